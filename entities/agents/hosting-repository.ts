import { type Expression, expressionBuilder, sql } from 'kysely';
import type { HostedNeeds, HostingWorker } from '../../domain/agents/hosting.ts';
import { DEAD_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import type { GraphId, TaskId } from '../../domain/ids.ts';
import { ago, literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { type Tables, tables } from '../tables.ts';
import { OPEN } from '../tasks/expressions.ts';
import { secondsSince } from './agent-expressions.ts';
import { hasEarlierWorker } from './earlier-workers.ts';

/** Tasks of one graph that have not ended and may start or run, and what they need of a worker. */
export interface NeedsOfGraph extends HostedNeeds {
  readonly graph: string;
  readonly waiting: number;
  readonly running: number;
}

const STARTING = [literal('pending'), ...OPEN];
const eb = expressionBuilder<Tables, never>();

/** Who hosts what, and what tasks need of it: why they do not move. Every method is one statement. */
export class HostingRepository extends Repository {
  /** The workers that are alive. Those of an older version do not say what they host, and are left out. */
  async workers(): Promise<HostingWorker[]> {
    const workers = await this.#alive()
      .select((lease) => [
        lease.ref('l.taskQueue').$notNull().as('taskQueue'),
        'l.handlers',
        secondsSince(lease.ref('l.renewedAt')).as('silentSeconds'),
      ])
      .where('l.taskQueue', 'is not', null)
      .execute();
    return workers.map((worker) => ({ ...worker, silentSeconds: Number(worker.silentSeconds) }));
  }

  /** The processes whose workers serve a task queue and are alive, sorted; one that has said goodbye is not. */
  async serving(taskQueue: string): Promise<string[]> {
    const processes = await this.#alive()
      .select('l.process')
      .distinct()
      .where('l.taskQueue', '=', taskQueue)
      .orderBy('l.process')
      .execute();
    return processes.map(({ process }) => process);
  }

  /** Whether a worker of an earlier version is alive: see {@link hasEarlierWorker}. */
  async hasEarlierWorker(): Promise<boolean> {
    const [found] = await tables(this.em).selectNoFrom([hasEarlierWorker()]).execute();
    return found?.hasEarlierWorker === true;
  }

  /** What a task still needs: the handlers of the nodes that have not ended. Null for one that does not wait for a worker. */
  async needsOf(id: TaskId): Promise<HostedNeeds | null> {
    const needs = await tables(this.em)
      .selectFrom('tasks as t')
      .select((task) => [
        't.taskQueue',
        arrayOf(
          handlersOf(task.ref('t.graphId')).where((part) =>
            part.not(
              part.exists(
                part
                  .selectFrom('agent_traces as r')
                  .innerJoin('agent_runs as n', 'n.traceId', 'r.id')
                  .select('n.id')
                  .where('r.taskId', '=', task.ref('t.id'))
                  .where('r.number', '=', task.ref('t.traceCount'))
                  .where(task('t.status', '<>', literal('pending')))
                  // An inner node's handler is needed until the container at the top has ended.
                  .where((run) =>
                    run('n.nodeId', '=', run.fn<string>('split_part', ['c.nodeId', run.val('/'), run.lit(1)])),
                  )
                  .where('n.finishedAt', 'is not', null),
              ),
            ),
          ),
        ).as('needed'),
      ])
      .where('t.id', '=', id)
      .where('t.status', 'in', STARTING)
      .executeTakeFirst();
    return needs === undefined ? null : { taskQueue: needs.taskQueue, handlers: needs.needed };
  }

  /** The same for all tasks, by graph. The cost grows with the tasks that have not ended. */
  async needs(): Promise<NeedsOfGraph[]> {
    const graphs = await tables(this.em)
      .with('grouped', (db) =>
        db
          .selectFrom('tasks as t')
          .select((task) => [
            't.graphId as ran',
            't.graphName as graph',
            't.taskQueue as queue',
            task.fn.countAll<string>().filterWhere('t.status', '=', literal('pending')).as('waiting'),
            task.fn.countAll<string>().filterWhere('t.status', '<>', literal('pending')).as('running'),
          ])
          .where('t.status', 'in', STARTING)
          .groupBy(['t.graphId', 't.graphName', 't.taskQueue']),
      )
      .selectFrom('grouped as g')
      .select((group) => [
        ...(['g.graph', 'g.queue', 'g.waiting', 'g.running'] as const),
        arrayOf(handlersOf(group.ref('g.ran'))).as('needed'),
      ])
      .orderBy('g.waiting', 'desc')
      .orderBy('g.graph')
      .execute();
    return graphs.map(({ graph, queue, waiting, running, needed }) => ({
      ...{ graph, taskQueue: queue, handlers: needed },
      ...{ waiting: Number(waiting), running: Number(running) },
    }));
  }

  #alive() {
    return tables(this.em)
      .selectFrom('agent_leases as l')
      .where('l.endedAt', 'is', null)
      .where('l.renewedAt', '>', ago(DEAD_AFTER_SECONDS));
  }
}

/** What the nodes of a graph ask of a worker, as `kind:name`. */
function handlersOf(graphId: Expression<GraphId>) {
  return eb
    .selectFrom('agent_components as c')
    .select((part) => part.fn<string>('concat', ['c.componentType', sql.lit(':'), 'c.handler']).as('needed'))
    .distinct()
    .where('c.graphId', '=', graphId)
    .where('c.handler', 'is not', null)
    .orderBy('needed');
}

/** The rows of a query with one column, as one array. */
function arrayOf<Value>(query: Expression<{ needed: Value }>) {
  return eb.fn<Value[]>('array', [query]);
}
