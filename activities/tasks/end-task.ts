import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { StaleFence } from '../../capabilities/capability-errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { replyOf } from '../../domain/traces/reply.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import type { NewTraceEvent } from '../../operations/record/notes.ts';
import type { RecordingUnit } from '../../operations/record/recording.ts';
import { storeValue } from '../../operations/record/store-value.ts';
import { OutputMissing } from '../handler-errors.ts';
import { loadDocument } from './load-document.ts';

export interface EndRequest {
  readonly execution: ExecutionRef;
  readonly definition: GraphDefinition;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** What happened before, and is not written yet. */
  readonly events?: readonly NewTraceEvent[];
  /** What is already at hand of the nodes' outputs; loaded otherwise. */
  readonly document?: GraphDocument;
}

export interface Ended {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
}

/**
 * Writes the end of a task and of its trace in the caller's transaction. A completed trace whose output cannot be read,
 * because it is not there or was changed where it is stored, ends as failed. A task that had ended keeps its first end,
 * and one that was asked to be cancelled ends as cancelled; how it stands is returned. @throws StaleFence
 */
export async function endTask({ em, recorder }: RecordingUnit, request: EndRequest): Promise<Ended> {
  const { execution, definition } = request;
  const read = request.status === 'completed' ? await readOutput(em, request) : null;
  const ended: Ended = read !== null && !read.ok ? { status: 'failed', failure: read.failure } : request;
  const output =
    read?.ok === true && ended.status === 'completed'
      ? await storeValue(em, execution, `${definition.name}/output.json`, read.value)
      : NOTHING_STORED;

  const end = { execution, status: ended.status, failure: ended.failure, output, reply: replyOf(valueRead(read)) };
  const standing = await recorder.taskEnded(end, { events: request.events ?? [] });
  if (standing === null) throw new StaleFence(execution.taskId, execution.fence);
  return { status: standing.status, failure: standing.failure };
}

type OutputRead = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly failure: Failure };

async function readOutput(em: SqlEntityManager, request: EndRequest): Promise<OutputRead> {
  const { output } = request.definition;
  try {
    const read = readInput(output, request.document ?? (await loadDocument(em, { ...request, scope: '' }, [output])));
    return read.ok ? read : { ok: false, failure: failureOf(new OutputMissing(read.pointer)) };
  } catch (error) {
    if (error instanceof StoredRowInvalid) return { ok: false, failure: failureOf(error) };
    throw error;
  }
}

function failureOf({ code, message }: OutputMissing | StoredRowInvalid): Failure {
  return { code, message };
}

function valueRead(read: OutputRead | null): Json {
  return read?.ok === true ? read.value : null;
}
