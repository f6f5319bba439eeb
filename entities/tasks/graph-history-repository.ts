import type { GraphId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { PARKED_TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { ArtifactRepository, type StoredValue } from '../traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../traces/run-repository.ts';

/** A task of a graph with one of its traces. */
export interface TaskOfGraph {
  readonly taskId: TaskId;
  readonly status: TaskStatus;
  readonly graphId: GraphId;
  readonly taskQueue: string;
  readonly input: StoredValue;
  /** Null for one that has not begun, or is to begin a new trace. */
  readonly traceId: TraceId | null;
}

/** What has happened of tasks of a graph. */
export class GraphHistoryRepository extends Repository {
  /** A page of the parked tasks of a graph in other versions than this one, in the order of their ids. */
  async parked(
    tenant: TenantId,
    { name, except, after, limit }: { name: string; except: GraphId | null; after: TaskId | null; limit: number },
  ): Promise<readonly TaskOfGraph[]> {
    const rows = await this.#tasks(tenant)
      .leftJoin('agent_traces as r', (join) =>
        join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount').on('r.status', '=', 'running'),
      )
      .select('r.id as traceId')
      .where('t.graphName', '=', name)
      .where('t.status', 'in', PARKED_TASK_STATUSES)
      .$if(except !== null, (query) => query.where('t.graphId', '<>', except))
      .$if(after !== null, (query) => query.where('t.id', '>', after))
      .orderBy('t.id')
      .limit(limit)
      .execute();
    return rows.map(taskOf);
  }

  /** The newest traces of a version that were completed. */
  async completed(tenant: TenantId, graphId: GraphId, limit: number): Promise<readonly TaskOfGraph[]> {
    const rows = await this.#tasks(tenant)
      .innerJoin('agent_traces as r', (join) =>
        join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount'),
      )
      .select('r.id as traceId')
      .where('r.graphId', '=', graphId)
      .where('r.status', '=', 'completed')
      .orderBy('r.createdAt', 'desc')
      .limit(limit)
      .execute();
    return rows.map(taskOf);
  }

  /** A task's input, and its runs with the outputs of those that ended well. */
  async happened({ input, traceId }: Pick<TaskOfGraph, 'input' | 'traceId'>): Promise<{
    readonly task: Json;
    readonly runs: readonly (RunRecord & { readonly value: Json })[];
  }> {
    const runs = traceId === null ? [] : await new RunRepository(this.em).list(traceId);
    const values = new Map<string | typeof INPUT, StoredValue>([[INPUT, input]]);
    for (const run of runs) if (run.status === 'ok') values.set(run.nodeId, run.output);
    const loaded = await new ArtifactRepository(this.em).load(values);
    return {
      task: loaded.get(INPUT) ?? null,
      runs: runs.map((run) => ({ ...run, value: loaded.get(run.nodeId) ?? null })),
    };
  }

  #tasks(tenant: TenantId) {
    return tables(this.em)
      .selectFrom('tasks as t')
      .select(['t.id as taskId', 't.status', 't.graphId', 't.taskQueue', 't.input', 't.inputArtifactId'])
      .where('t.tenantId', '=', tenant);
  }
}

const INPUT = Symbol('the input of the task');

type Row = Omit<TaskOfGraph, 'input'> & { readonly input: Json; readonly inputArtifactId: StoredValue['artifactId'] };

function taskOf({ input, inputArtifactId: artifactId, ...task }: Row): TaskOfGraph {
  return { ...task, input: { json: input === null ? null : JSON.stringify(input), artifactId } };
}
