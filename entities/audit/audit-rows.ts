import {
  call,
  column,
  type InsertPart,
  insertFrom,
  type JsonCell,
  jsonOf,
  type RowSource,
  type Sql,
  type TextCell,
  textOf,
} from '../insert-from.ts';

/** Who did what to which row. */
export interface AuditRow {
  /** Default: the column `tenant_id` of the source. */
  readonly tenant?: TextCell;
  /** A user, `agent:NAME`, or the part of Muster that did it. */
  readonly actor: TextCell;
  /** The kind of the subject and what was done to it: `task.submitted`. */
  readonly action: TextCell;
  readonly subjectType: string;
  /** Default: the column `id` of the source. */
  readonly subjectId?: TextCell;
  readonly details?: JsonCell;
  /** Default: a random one. With a known one a repetition meets the first row: then add `onConflict` to the part. */
  readonly id?: Sql;
}

/** How a row of the audit log looks: an insert of one for each row of a table of the same statement. */
export function auditRowsFrom(source: RowSource | string | null, row: AuditRow): InsertPart {
  return insertFrom('audit_log', source, {
    id: row.id ?? call('gen_random_uuid'),
    tenant_id: textOf(row.tenant ?? column('tenant_id')),
    actor: textOf(row.actor),
    action: textOf(row.action),
    subject_type: textOf(row.subjectType),
    subject_id: textOf(row.subjectId ?? column('id')),
    details: jsonOf(row.details ?? {}),
  });
}
