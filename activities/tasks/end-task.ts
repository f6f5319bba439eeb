import { StaleFence } from '../../capabilities/capability-errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { replyOf, routerOf } from '../../domain/traces/reply.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { NewTraceEvent, NotedEnd } from '../../operations/record/notes.ts';
import type { RecordingUnit } from '../../operations/record/recording.ts';
import { storedEnd } from '../../operations/record/store-value.ts';
import { OutputMissing } from '../handler-errors.ts';
import { loadDocument, type ReadingPlace } from './load-document.ts';

export interface Ended {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
}

export interface EndRequest extends Ended {
  readonly execution: ExecutionRef;
  readonly definition: GraphDefinition;
  /** What happened before, and is not written yet. */
  readonly events?: readonly NewTraceEvent[];
  readonly written?: NonNullable<ReadingPlace['written']>;
}

/**
 * Writes the end of a task and of its trace in the caller's transaction. A task that had ended keeps its first end, and
 * one that was asked to be cancelled ends as cancelled; how it stands is returned. @throws StaleFence
 */
export async function endTask({ em, recorder }: RecordingUnit, request: EndRequest): Promise<Ended> {
  const { execution, definition } = request;
  const load = () => loadDocument(em, { ...request, scope: '' }, [definition.output]);
  const end = await storedEnd(em, execution, await notedEnd(definition, request, load));
  const standing = await recorder.taskEnded(end, { events: request.events ?? [] });
  if (standing === null) throw new StaleFence(execution.taskId, execution.fence);
  return { status: standing.status, failure: standing.failure };
}

/**
 * The end of a task whose nodes came to this. A completed one whose output cannot be read, because it is not there or was
 * changed where it is stored, ends as failed. @param load reads what the output is made of
 */
export async function notedEnd(
  definition: GraphDefinition,
  { status, failure }: Ended,
  load: () => Promise<GraphDocument>,
): Promise<NotedEnd> {
  if (status !== 'completed') return { status, failure, output: null, reply: '' };
  const read = await readOutput(definition, load);
  if (!read.ok) return { status: 'failed', failure: read.failure, output: null, reply: '' };
  const output = { name: `${definition.name}/output.json`, value: read.value };
  return { status, failure, output, reply: replyOf(read.value), router: routerOf(read.value) };
}

type OutputRead = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly failure: Failure };

async function readOutput({ output }: GraphDefinition, load: () => Promise<GraphDocument>): Promise<OutputRead> {
  try {
    const read = readInput(output, await load());
    return read.ok ? read : { ok: false, failure: failureOf(new OutputMissing(read.pointer)) };
  } catch (error) {
    if (error instanceof StoredRowInvalid) return { ok: false, failure: failureOf(error) };
    throw error;
  }
}

function failureOf({ code, message }: OutputMissing | StoredRowInvalid): Failure {
  return { code, message };
}
