import type { Break } from '../../domain/graphs/proof/proof.ts';
import type { TaskId } from '../../domain/ids.ts';
import { GraphHistoryRepository, type TaskOfGraph } from '../../entities/tasks/graph-history-repository.ts';
import { definedName, text, yesOrNo } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type Call, defineOperation } from '../define.ts';
import { readAlone } from '../tasks/read.ts';
import { taskIdOf } from '../tasks/task-fields.ts';
import { versionNumber } from './graph-fields.ts';
import { graphHead } from './graph-head.ts';
import { type Move, moveTaskGraph } from './move-task-graph.ts';

export interface MigrateInput {
  readonly graph: string;
  /** @defaultValue the active version */
  readonly to?: number;
  /** One task alone. @defaultValue every parked task of the graph that has another version */
  readonly task?: string;
  /** Only say what would happen. @defaultValue false */
  readonly dryRun?: boolean;
}

/**
 * What became, or would become, of one task. `moved`: it has not begun, and begins with the version. `moving`: its workflow
 * moves it once nothing of it runs. `refused`: it would break, and keeps its version.
 */
export interface MigratedTask {
  readonly taskId: TaskId;
  readonly outcome: 'movable' | 'moved' | 'moving' | 'refused';
  /** Why it was refused. */
  readonly breaks: Break | null;
}

export interface MigrationReport {
  readonly graph: string;
  readonly version: number;
  readonly dryRun: boolean;
  readonly tasks: readonly MigratedTask[];
}

/** A transaction for each task: a crash leaves some moved and the others as they were, and a repetition does the rest. */
export const migrateTasks = defineOperation({
  name: 'graphs.migrate',
  summary: 'Moves parked tasks of a graph to another version of it, each unless it would break.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  unit: 'none',
  input: { graph: definedName, to: versionNumber.optional(), task: text().optional(), dryRun: yesOrNo.optional() },
  async handle(call, { graph, to, task, dryRun = false }: MigrateInput): Promise<MigrationReport> {
    const { caller, stores } = call;
    const { tenant } = caller;
    const head = await stores.database.inTenant(tenant, ({ em }) =>
      graphHead(em, tenant, { name: graph, version: to }),
    );
    const move = { tenant, graphId: head.id, actor: actorOf(caller), dryRun };
    const tasks: MigratedTask[] = [];
    const ids = task === undefined ? parkedTasks(call, { name: graph, except: head.id }) : [taskIdOf(tenant, task)];
    for await (const taskId of ids) tasks.push(...(await moveOne(call, { ...move, taskId })));
    return { graph, version: head.version, dryRun, tasks };
  },
});

const PAGE = 100;

/** A page at a time, in the order of their ids, so that none is met twice. */
async function* parkedTasks(
  { caller, stores, signal }: Call,
  which: { readonly name: string; readonly except: Move['graphId'] },
): AsyncGenerator<TaskId> {
  for (let after: TaskId | null = null, full = true; full; ) {
    signal?.throwIfAborted();
    const query = { ...which, after, limit: PAGE };
    const page: readonly TaskOfGraph[] = await stores.database.inTenant(caller.tenant, ({ em }) =>
      new GraphHistoryRepository(em).parked(caller.tenant, query),
    );
    for (const { taskId } of page) yield taskId;
    after = page.at(-1)?.taskId ?? null;
    full = page.length === PAGE;
  }
}

/** Nothing of a task that is not parked any more. */
async function moveOne(call: Call, move: Move): Promise<readonly MigratedTask[]> {
  const { database, graphs, workflows } = call.stores;
  const { taskId } = move;
  const outcome = await database.inTenant(move.tenant, ({ em }) => moveTaskGraph({ em, graphs }, move));
  if (outcome === 'left') return [];
  if (typeof outcome !== 'string') return [{ taskId, outcome: 'refused', breaks: outcome }];
  // The outbox row carries it; telling at once only saves the relay's second.
  if (outcome === 'moving')
    await readAlone(call, taskId)
      .then((task) => workflows.moving(task))
      .catch(() => null);
  return [{ taskId, outcome, breaks: null }];
}
