import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Condition, InputMapping } from '../../domain/graphs/definition.ts';
import { type GraphDocument, nodesRead, pointersRead } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';

const TASK_INPUT = Symbol('the input of the task');

/** Rows that the caller has read already, in the same transaction. */
export interface KnownRows {
  readonly task: TaskRecord;
  /** All runs of the trace. */
  readonly runs: readonly RunRecord[];
}

/**
 * Reads what these mappings and conditions point at, and no more: the task's input and the outputs of the nodes that
 * ended `ok`. At most three statements, whatever the number of readers; none when they read nothing.
 * @throws StoredRowInvalid
 */
export async function loadDocument(
  em: SqlEntityManager,
  execution: ExecutionRef,
  readers: readonly (InputMapping | Condition)[],
  known?: KnownRows,
): Promise<GraphDocument> {
  const values = new Map<string | typeof TASK_INPUT, StoredValue>();
  const nodeIds = [...new Set(readers.flatMap(nodesRead))];
  const runs =
    nodeIds.length === 0 ? [] : (known?.runs ?? (await new RunRepository(em).list(execution.traceId, nodeIds)));
  for (const run of runs) {
    if (run.status === 'ok' && nodeIds.includes(run.nodeId)) values.set(run.nodeId, run.output);
  }
  if (readers.some((reader) => pointersRead(reader).some(readsTask))) {
    const task = known?.task ?? (await new TaskRepository(em).find(execution.taskId));
    if (task !== null) values.set(TASK_INPUT, task.input);
  }
  const loaded = await new ArtifactRepository(em).load(values);
  const nodes = [...loaded].filter((entry): entry is [string, Json] => typeof entry[0] === 'string');
  return { task: loaded.get(TASK_INPUT) ?? null, nodes: Object.fromEntries(nodes) };
}

/** Takes a stored value that cannot be read for an answer; any other error is one. */
export function unreadable(error: unknown): StoredRowInvalid {
  if (error instanceof StoredRowInvalid) return error;
  throw error;
}

/** Whether a mapping or condition needs nothing to be loaded. */
export function readsNothing(reader: InputMapping | Condition): boolean {
  return pointersRead(reader).length === 0;
}

function readsTask(pointer: string): boolean {
  return pointer === '' || pointer === '/task' || pointer.startsWith('/task/');
}
