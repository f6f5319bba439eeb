import { raw } from '@mikro-orm/core';
import type { GrantId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Grant as GrantRule, GrantUses } from '../../domain/tools/decide-call.ts';
import { ago, anyOf, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { givenRows } from '../statements/given-values.ts';
import { Statement, statements } from '../statements/statement.ts';
import { tables } from '../tables.ts';
import { Grant } from './grant.ts';
import { GrantUse } from './grant-use.ts';
import { ToolPolicyRow } from './tool-policy-row.ts';

/** What is ruled about a tool at one moment. */
export interface Rules {
  readonly version: number;
  /** As it is stored; null for none. */
  readonly document: Json;
  readonly grants: readonly GrantRule[];
  readonly now: Date;
}

/** A grant with who gave it and when. */
export interface GrantRecord extends GrantRule {
  readonly grantedBy: string;
  readonly createdAt: Date;
}

/** Which call uses grants. */
export type CallPlace = Pick<GrantUse, 'tenantId' | 'taskId' | 'traceId' | 'path' | 'step' | 'index'>;

const RULE_FIELDS = [
  ...(['id', 'agent', 'tool', 'toolDigest', 'condition', 'approval', 'perTask', 'perHour', 'expiresAt'] as const),
];

/** One row for each grant, and one without a grant for an agent that has none. By tool_policies_pkey and grants_held_index. */
const RULES = new Statement(
  {
    asked: givenRows<{ tenant: string; agent: string; tool: string }>({ tenant: 'text', agent: 'text', tool: 'text' }),
  },
  ({ asked }) =>
    statements
      .selectFrom(asked.as('a'))
      .leftJoin('tool_policies as p', 'p.tenantId', 'a.tenant')
      .leftJoin('grants as g', (join) =>
        join
          .onRef('g.tenantId', '=', 'a.tenant')
          .onRef('g.agent', '=', 'a.agent')
          .onRef('g.tool', '=', 'a.tool')
          .on('g.revokedAt', 'is', null),
      )
      .select(['p.version', 'p.document', ...RULE_FIELDS.map((name) => `g.${name}` as const)])
      .select(now().as('at'))
      .orderBy('g.createdAt')
      .orderBy('g.id'),
);

/** Grants and the policy of a tenant. */
export class GrantRepository extends Repository {
  /** What is ruled about a tool for these agents. One statement. */
  async rulesOf(tenant: TenantId, agents: readonly string[], tool: string): Promise<Rules> {
    const asked = [...new Set(agents)].map((agent) => ({ tenant, agent, tool }));
    const rows = await RULES.run(this.em, { asked });
    const grants = rows.flatMap(({ id, agent, tool: of, approval, ...grant }) => {
      const { toolDigest, condition, perTask, perHour, expiresAt } = grant;
      const isGrant = id !== null && agent !== null && of !== null && approval !== null;
      return isGrant ? [{ id, agent, tool: of, toolDigest, approval, condition, perTask, perHour, expiresAt }] : [];
    });
    const [first] = rows;
    if (first === undefined) throw new RangeError('Rules are read for one agent at least.');
    return { version: first.version ?? 0, document: first.document, grants, now: first.at };
  }

  /**
   * Counts the uses of grants by other calls, under the locks of their rows: of two calls at once the second counts the
   * first. One that was revoked meanwhile is left out.
   */
  async usesOf(ids: readonly GrantId[], { tenantId, ...call }: CallPlace): Promise<ReadonlyMap<GrantId, GrantUses>> {
    const locked = await tables(this.em)
      .selectFrom('grants')
      .select('id')
      .where('tenantId', '=', tenantId)
      .where('id', '=', anyOf(ids))
      .where('revokedAt', 'is', null)
      .orderBy('id')
      .forUpdate()
      .execute();
    // A statement of its own sees what the earlier holders of the locks have committed.
    const counts = await tables(this.em)
      .selectFrom('grants as g')
      .where('g.tenantId', '=', tenantId)
      .where('g.id', '=', anyOf(locked.map(({ id }) => id)))
      .select((eb) => {
        const others = eb
          .selectFrom('grant_uses as u')
          .whereRef('u.tenantId', '=', 'g.tenantId')
          .whereRef('u.grantId', '=', 'g.id')
          .where((use) =>
            use.not(
              use.and([
                ...[use('u.traceId', '=', call.traceId), use('u.path', '=', call.path)],
                ...[use('u.step', '=', call.step), use('u.index', '=', call.index)],
              ]),
            ),
          )
          .select(eb.fn.countAll<string>().as('count'));
        return [
          'g.id',
          others.where('u.taskId', '=', call.taskId).as('inTask'),
          others.where('u.usedAt', '>', ago(3_600)).as('inHour'),
        ];
      })
      .execute();
    return new Map(counts.map(({ id, inTask, inHour }) => [id, { inTask: Number(inTask), inHour: Number(inHour) }]));
  }

  /** Notes that a call uses grants. Repeating it changes nothing. */
  async use(ids: readonly GrantId[], call: CallPlace): Promise<void> {
    for (const grantId of ids) {
      await this.em
        .createQueryBuilder(GrantUse)
        .insert({ ...call, grantId })
        .onConflict()
        .ignore()
        .execute('run', false);
    }
  }

  /** The grants that were not revoked, the newest first, at most `limit`. */
  async list(tenant: TenantId, agent: string | undefined, limit: number): Promise<GrantRecord[]> {
    const where = { tenantId: tenant, revokedAt: null, ...(agent === undefined ? {} : { agent }) };
    const fields = [...RULE_FIELDS, 'grantedBy', 'createdAt'] as const;
    const found = await this.em.find(Grant, where, { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], limit, fields });
    return found.map(recordOf);
  }

  /** Adds a grant. The same id again changes nothing. */
  async add(tenant: TenantId, { condition, ...grant }: GrantRule, grantedBy: string): Promise<GrantRecord> {
    const known = await this.em.findOne(Grant, { tenantId: tenant, id: grant.id });
    if (known !== null) return recordOf(known);
    const added = this.em.create(Grant, { ...grant, condition, tenantId: tenant, grantedBy });
    await this.em.flush();
    return recordOf(await this.em.refreshOrFail(added));
  }

  /** Ends a grant. @returns the grant; null for an id that no open grant of the tenant has */
  async revoke(tenant: TenantId, id: string): Promise<GrantRecord | null> {
    const key = { tenantId: tenant, id: id as GrantId, revokedAt: null };
    const found = await this.em.findOne(Grant, key);
    const revoked = await this.em.nativeUpdate(Grant, key, { revokedAt: raw('now()') });
    return found === null || revoked === 0 ? null : recordOf(found);
  }

  /** The tenant's document and version; null before the first change. */
  async policy(tenant: TenantId): Promise<Pick<ToolPolicyRow, 'version' | 'document'> | null> {
    return this.em.findOne(ToolPolicyRow, tenant, { refresh: true });
  }

  /**
   * Counts the tenant's policy version up, under the lock of its row, and replaces its document where one is given.
   * @returns the new version
   */
  async changed(tenant: TenantId, changedBy: string, document?: { readonly value: Json }): Promise<number> {
    const start = { tenantId: tenant, version: 1, changedBy, document: document?.value ?? null };
    const inserted = await this.em
      .createQueryBuilder(ToolPolicyRow)
      .insert(start)
      .onConflict()
      .ignore()
      .execute('run', false);
    if (inserted.affectedRows === 1) return 1;
    const set = document === undefined ? {} : { document: document.value };
    const next = { version: raw('version + 1'), changedBy, changedAt: raw('now()'), ...set };
    await this.em.nativeUpdate(ToolPolicyRow, tenant, next);
    return (await this.policy(tenant))?.version ?? 1;
  }
}

function recordOf(grant: Pick<Grant, (typeof RULE_FIELDS)[number] | 'grantedBy' | 'createdAt'>): GrantRecord {
  const { id, agent, tool, approval, grantedBy, createdAt } = grant;
  const { toolDigest = null, condition = null, perTask = null, perHour = null, expiresAt = null } = grant;
  return { id, agent, tool, toolDigest, condition, approval, perTask, perHour, expiresAt, grantedBy, createdAt };
}
