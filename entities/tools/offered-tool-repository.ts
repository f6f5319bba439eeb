import { sql } from '@mikro-orm/core';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { OfferedTool, SourceState } from '../../domain/tools/tool-source.ts';
import { literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { OfferedToolRow } from './offered-tool.ts';
import { ToolSourceRow } from './tool-source-row.ts';

/** A tool as it is listed. */
export interface OfferedToolRecord extends OfferedTool {
  readonly offeredAt: Date;
}

/** A source as it is listed. */
export interface SourceRecord extends SourceState {
  readonly process: string;
  readonly checkedAt: Date;
}

/** What workers offer to agents of every tenant. */
export class OfferedToolRepository extends Repository {
  /** Offers tools, in the order of their names: two workers that offer the same never wait for each other in a circle. */
  async offer(tools: readonly OfferedTool[]): Promise<void> {
    if (tools.length === 0) return;
    const rows = tools.map((tool) => ({ ...tool, tenantId: SYSTEM_TENANT, offeredAt: sql.now() }));
    await this.em
      .createQueryBuilder(OfferedToolRow)
      .insert(rows.toSorted((one, other) => (one.name < other.name ? -1 : 1)))
      .onConflict(['tenantId', 'name'])
      .merge(['source', 'description', 'risk', 'effect', 'timeoutMs', 'digest', 'offeredAt'])
      .execute('run', false);
  }

  /** Takes back what a source has no more. */
  async withdrawOthers(source: string, names: readonly string[]): Promise<void> {
    await this.em.nativeDelete(OfferedToolRow, { tenantId: SYSTEM_TENANT, source, name: { $nin: [...names] } });
  }

  async tell(state: SourceState, process: string): Promise<void> {
    await this.em
      .createQueryBuilder(ToolSourceRow)
      .insert({ ...state, tenantId: SYSTEM_TENANT, process, checkedAt: sql.now() })
      .onConflict(['tenantId', 'name'])
      .merge(['state', 'fault', 'protocol', 'process', 'checkedAt'])
      .execute('run', false);
  }

  /** Every tool by its name. */
  async list(): Promise<OfferedToolRecord[]> {
    const rows = await this.em.find(OfferedToolRow, { tenantId: SYSTEM_TENANT }, { orderBy: { name: 'asc' } });
    return rows.map(({ name, source = null, description, risk, effect, timeoutMs, digest = null, offeredAt }) => {
      return { name, source, description, risk, effect, timeoutMs, digest, offeredAt };
    });
  }

  /** What tools are now that can change, by name. */
  async digests(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const where = { tenantId: SYSTEM_TENANT, name: { $in: [...new Set(names)] }, digest: { $ne: null } };
    const rows = await this.em.find(OfferedToolRow, where, { fields: ['name', 'digest'] });
    return new Map(rows.map(({ name, digest }) => [name, digest ?? '']));
  }

  /** The names of agents and of tools that a worker, or a published graph, has had. */
  async knownNames(): Promise<{ readonly agents: readonly string[]; readonly tools: readonly string[] }> {
    const agents = await tables(this.em)
      .selectFrom('agents')
      .select('name')
      .union((db) =>
        db
          .selectFrom('agent_components')
          .select((eb) => eb.ref('handler').$notNull().as('name'))
          .where('componentType', '=', 'agent')
          .where('handler', 'is not', null),
      )
      .union((db) =>
        db
          .selectFrom('agent_components as c')
          .innerJoin('agent_graphs as g', 'g.id', 'c.graphId')
          .select((eb) => eb.fn<string>('concat', ['g.name', literal('.'), 'c.nodeId']).as('name'))
          .where('c.componentType', '=', 'llm'),
      )
      .execute();
    const tools = await this.em.find(OfferedToolRow, { tenantId: SYSTEM_TENANT }, { fields: ['name'] });
    return { agents: agents.map(({ name }) => name), tools: tools.map(({ name }) => name) };
  }

  async sources(): Promise<SourceRecord[]> {
    const rows = await this.em.find(ToolSourceRow, { tenantId: SYSTEM_TENANT }, { orderBy: { name: 'asc' } });
    return rows.map(({ name, state, fault = null, protocol = null, process, checkedAt }) => {
      return { name, state, fault, protocol, process, checkedAt };
    });
  }
}
