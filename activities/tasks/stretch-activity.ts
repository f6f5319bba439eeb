import type { Condition, GraphNode, InputMapping } from '../../domain/graphs/definition.ts';
import { isFinished, traceResult } from '../../domain/graphs/graph-state.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import { documentIn, readsIn, readTask, type TraceReads } from '../../domain/graphs/scope.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { NotedEnd } from '../../operations/record/notes.ts';
import type { WaveNote } from '../../operations/record/record-wave.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { Breath } from './breath.ts';
import { notedEnd } from './end-task.ts';
import { loadValues } from './load-document.ts';
import type { Stretch } from './stretch.ts';

/** One activity that runs a stretch. */
export interface StretchActivity {
  readonly deps: ActivityDependencies;
  readonly execution: ExecutionRef;
  readonly hasDeadline: boolean;
  readonly stretch: Stretch;
  readonly breath: Breath;
  /** Aborts when its handlers are to stop. */
  readonly cancellation: AbortSignal;
}

/** Reads what the stretch has not looked for yet, in one transaction. @throws StoredRowInvalid */
export async function ensureRead({ deps, execution, stretch }: StretchActivity, reads: TraceReads): Promise<void> {
  const paths = reads.paths.filter((path) => !stretch.outputs.has(path) && !stretch.looked.has(path));
  const task = reads.task && stretch.task === null;
  if (paths.length === 0 && !task) return;
  const values = await deps.database.inTenant(execution.tenant, ({ em }) => loadValues(em, execution, { paths, task }));
  for (const path of paths) stretch.looked.add(path);
  for (const [path, output] of values.outputs) stretch.outputs.set(path, output);
  if (task) stretch.task = { value: values.task };
}

/** What a node's input or condition reads. @throws StoredRowInvalid */
export function readDocument(activity: StretchActivity, node: GraphNode): Promise<GraphDocument> {
  return readScope(activity, scopeOfPath(node.id), readersOf(node));
}

/** What these read in a scope. @throws StoredRowInvalid */
async function readScope(
  activity: StretchActivity,
  scope: string,
  readers: readonly (InputMapping | Condition)[],
): Promise<GraphDocument> {
  const { execution, stretch } = activity;
  const { definition } = stretch;
  await ensureRead(activity, readsIn(definition, scope, readers));
  const read = documentIn(definition, scope, { values: stretch.values, task: readTask(readers) });
  if (read.ok) return read.document;
  throw new StoredRowInvalid('agent_runs', `${execution.traceId}/${scope}`, read.message);
}

/** What a stretch leaves for the recorder, with the end of its task if it has reached that. */
export async function noteOf(activity: StretchActivity): Promise<WaveNote> {
  const { execution, stretch } = activity;
  const { runs, events } = stretch.handOver();
  return { execution, runs, events, end: await endOf(activity) };
}

async function endOf(activity: StretchActivity): Promise<NotedEnd | null> {
  const { definition, state, failure } = activity.stretch;
  if (!isFinished(definition, state)) return null;
  const { status } = traceResult(definition, state);
  return notedEnd(definition, { status, failure }, () => readScope(activity, '', [definition.output]));
}
