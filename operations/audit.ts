import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { auditRowsFrom } from '../entities/audit/audit-rows.ts';
import { constant, runPart } from '../entities/insert-from.ts';
import { actorOf } from './caller.ts';
import type { AuditNote, Call } from './define.ts';

/** Writes what the audit log says of a call, in the transaction that did it: one row, however often that one runs. */
export function audit(
  em: SqlEntityManager,
  { id, caller }: Pick<Call, 'id' | 'caller'>,
  note: AuditNote,
): Promise<void> {
  const row = { tenant: caller.tenant, actor: actorOf(caller), ...note, id: constant(id, 'uuid') };
  return runPart(
    em,
    auditRowsFrom(null, row).onConflict((conflict) => conflict.doNothing()),
  );
}
