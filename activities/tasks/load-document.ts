import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Condition, GraphDefinition, InputMapping } from '../../domain/graphs/definition.ts';
import { type GraphDocument, pointersRead } from '../../domain/graphs/read-source.ts';
import { documentIn, readsIn, readTask, type TraceReads, type TraceValues } from '../../domain/graphs/scope.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';

const TASK_INPUT = Symbol('the input of the task');

/** Rows that the caller has read already, in the same transaction. */
export interface KnownRows {
  readonly task: TaskRecord;
  /** All that were written of these runs. */
  readonly runs: readonly RunRecord[];
}

/** Where the pointers stand that are to be read: in which trace, and in which of its graphs. */
export interface ReadingPlace {
  readonly execution: ExecutionRef;
  readonly definition: GraphDefinition;
  /** The scope of the graph, see `domain/traces/path.ts`. */
  readonly scope: string;
  /** The run that the caller has just written, with its output, so that it is not read again. */
  readonly written?: readonly [path: RunPath, output: Json];
}

/**
 * Reads what these mappings and conditions point at, and no more: the input of their graph's task and the outputs of the
 * nodes that ended `ok`. At most three statements, whatever the number of readers; none when they read nothing.
 * @throws StoredRowInvalid
 */
export async function loadDocument(
  em: SqlEntityManager,
  { execution, definition, scope, written }: ReadingPlace,
  readers: readonly (InputMapping | Condition)[],
): Promise<GraphDocument> {
  const { task, paths } = readsIn(definition, scope, readers);
  const stored = { task, paths: paths.filter((path) => path !== written?.[0]) };
  const values = await loadValues(em, execution, stored);
  const outputs = new Map(written === undefined ? values.outputs : [...values.outputs, written]);
  const read = documentIn(definition, scope, { values: { ...values, outputs }, task: readTask(readers) });
  if (!read.ok) throw new StoredRowInvalid('agent_runs', `${execution.traceId}/${scope}`, read.message);
  return read.document;
}

/** Reads what is stored of a trace. At most three statements. @throws StoredRowInvalid */
export async function loadValues(
  em: SqlEntityManager,
  execution: ExecutionRef,
  reads: TraceReads,
  known?: KnownRows,
): Promise<TraceValues> {
  const values = new Map<RunPath | typeof TASK_INPUT, StoredValue>();
  const wanted = new Set(reads.paths);
  const paths = [...wanted];
  const runs = paths.length === 0 ? [] : (known?.runs ?? (await new RunRepository(em).list(execution.traceId, paths)));
  for (const run of runs) {
    if (run.status === 'ok' && wanted.has(run.nodeId)) values.set(run.nodeId, run.output);
  }
  if (reads.task) {
    const task = known?.task ?? (await new TaskRepository(em).find(execution.taskId));
    if (task !== null) values.set(TASK_INPUT, task.input);
  }
  const loaded = await new ArtifactRepository(em).load(values);
  const outputs = [...loaded].filter((entry): entry is [RunPath, Json] => typeof entry[0] === 'string');
  return { task: loaded.get(TASK_INPUT) ?? null, outputs: new Map(outputs) };
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
