import type { TenantId, TraceId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** What one thinking run used. */
export interface UsageSample {
  readonly traceId: TraceId;
  readonly path: RunPath;
  readonly tokens: number;
  readonly costMicros: number;
}

/** Which runs are asked for. */
export interface SampleRequest {
  readonly tenant: TenantId;
  /** The name of their graph. */
  readonly graph: string;
  /** A trace that counts whatever its age. */
  readonly traceId: TraceId;
  /** The run of which only the steps from this one on count; null for none. */
  readonly half: { readonly path: RunPath; readonly step: number } | null;
}

/** How many traces of the graph are asked, besides the one that is named. */
const TRACES = 50;
/** Among how many of the tenant's newest traces they are looked for. */
const LOOKED_AT = 5_000;

/** What thinking runs of a graph used before. */
export class UsageRepository extends Repository {
  /**
   * The use of each thinking run of this trace, and of the newest 50 traces of its graph that are among the tenant's newest
   * 5,000. One statement, by agent_traces_tenant_index and model_calls_trace_index.
   */
  async samples({ tenant, graph, traceId, half }: SampleRequest): Promise<UsageSample[]> {
    const rows = await tables(this.em)
      .with('newest', (db) =>
        db
          .selectFrom('agent_traces')
          .select(['id', 'taskId', 'createdAt'])
          .where('tenantId', '=', tenant)
          .orderBy('createdAt', 'desc')
          .limit(LOOKED_AT),
      )
      .with('asked', (db) =>
        db
          .selectFrom('newest as n')
          .innerJoin('tasks as t', 't.id', 'n.taskId')
          .select('n.id')
          .where('t.graphName', '=', graph)
          .orderBy('n.createdAt', 'desc')
          .limit(TRACES),
      )
      .selectFrom('model_calls as c')
      .select(['c.traceId', 'c.path'])
      .select((eb) => [
        eb.cast<number>(eb.fn.sum(eb('c.inputTokens', '+', eb.ref('c.outputTokens'))), 'float8').as('tokens'),
        eb.cast<number>(eb.fn.sum('c.costMicros'), 'float8').as('cost'),
      ])
      .where('c.tenantId', '=', tenant)
      .where('c.takenFrom', 'is', null)
      .where('c.state', '=', literal('done'))
      .where((eb) => eb.or([eb('c.traceId', '=', traceId), eb('c.traceId', 'in', eb.selectFrom('asked').select('id'))]))
      .$if(half !== null, (query) =>
        query.where((eb) => eb.or([eb('c.path', '<>', half?.path ?? ''), eb('c.step', '>=', half?.step ?? 1)])),
      )
      .groupBy(['c.traceId', 'c.path'])
      .execute();
    return rows.map(({ cost, ...row }) => ({ ...row, costMicros: cost }));
  }
}
