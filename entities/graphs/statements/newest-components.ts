import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { SYSTEM_TENANT, type TenantId } from '../../../domain/ids.ts';
import { anyOf, literal } from '../../common-expressions.ts';
import { tables } from '../../tables.ts';

/**
 * The newest component of each of these handlers (`kind:name`) in the graphs that the tenant may use. No index leads to a
 * handler: this reads all components, when a document names agents or tools.
 */
export function newestComponents(em: SqlEntityManager, tenant: TenantId, handlers: readonly string[]) {
  return tables(em)
    .with('named', (db) =>
      db
        .selectFrom('agent_components as c')
        .innerJoin('agent_graphs as g', 'g.id', 'c.graphId')
        .select(({ fn }) => fn<string>('concat', ['c.componentType', literal(':'), 'c.handler']).as('named'))
        .select(['c.quick', 'c.configuration', 'g.createdAt'])
        .where('c.handler', 'is not', null)
        .where('g.tenantId', 'in', [tenant, SYSTEM_TENANT]),
    )
    .selectFrom('named')
    .distinctOn('named.named')
    .select(['named.named as handler', 'named.quick', 'named.configuration'])
    .where('named.named', '=', anyOf(handlers))
    .orderBy('named.named')
    .orderBy('named.createdAt', 'desc')
    .execute();
}
