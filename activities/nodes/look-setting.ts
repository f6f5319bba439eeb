import type { WaitingNode } from '../../domain/graphs/definition.ts';
import { type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import type { ApprovalId, WaitId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import type { WaitPlace } from '../../entities/waits/wait-repository.ts';
import type { RecordingUnit } from '../../operations/record/recording.ts';
import type { Stores } from '../../operations/stores.ts';

/** What a look at a node that waits needs besides the node. */
export interface LookSetting {
  readonly unit: RecordingUnit;
  readonly place: WaitPlace;
  readonly stores: Stores;
  /** What its input reads: only a wait that begins asks for it. */
  readonly document: () => Promise<GraphDocument>;
}

/** What a look finds: the end of the run, or a wait, of which the workflow is told by its id. */
export type Look = Extract<AttemptEnd, { readonly kind: 'ok' | 'failed' }> | StillWaits;

type FailedLook = Extract<Look, { readonly kind: 'failed' }>;

interface StillWaits {
  readonly kind: 'waits';
  readonly id: WaitId | ApprovalId;
  /** When to look at the latest; null where it waits however long it takes. */
  readonly until: Date | null;
  /** What a trace tells of a wait that has just begun; null of any other. */
  readonly begun: JsonObject | null;
  /** The job of a task that has just begun. */
  readonly job?: WaitingJob | null;
}

/** An end of a run that waits which no repetition would change. */
export function failedLook(code: string, message: string): FailedLook {
  return { kind: 'failed', code, message, retryable: false, retryAfterMs: null };
}

/** The input of a node that begins to wait, or why there is none. */
export async function inputOf(
  { input }: Pick<WaitingNode, 'input'>,
  { document, place }: LookSetting,
): Promise<{ readonly ok: true; readonly value: Json } | { readonly ok: false; readonly look: Look }> {
  const read = readInput(input, await document());
  if (read.ok) return read;
  return {
    ok: false,
    look: failedLook('wait_unusable', `The input of ${place.path} cannot be made: ${read.pointer} has no value.`),
  };
}
