import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { isFinalError, isStoreOutage } from '../../domain/errors.ts';
import { type AttemptEnd, type AttemptVerdict, type LeavingVerdict, verdictOn } from '../../domain/traces/attempt.ts';
import type { StoredValue } from '../../entities/traces/artifact-repository.ts';
import type { RunEnd } from '../../operations/record/notes.ts';
import type { Recorder } from '../../operations/record/recorder.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import { inlineValue, storeValue } from '../../operations/record/store-value.ts';
import { finalFailure, retryableFailure } from '../failure.ts';
import { AttemptOvertaken } from '../handler-errors.ts';
import { rulesOf } from '../nodes/attempt-setting.ts';
import { endTask } from './end-task.ts';
import { type NodeAttempt, type RunNodeResult, runAttemptOf, runSoFar } from './node-attempt.ts';
import { endedRun, resultOf } from './run-rows.ts';

type VerdictOf<Kind extends AttemptVerdict['kind']> = Extract<AttemptVerdict, { readonly kind: Kind }>;

/** What else is written in the transaction of a run's end, before it. */
export type Also = (unit: RecordingUnit) => Promise<void>;

/** Judges how an attempt ended, writes what becomes of the run, and reports it. */
export async function settle(attempt: NodeAttempt, end: AttemptEnd, also?: Also): Promise<RunNodeResult> {
  const { deps, node, begun } = attempt;
  const verdict = verdictOn(end, begun, { ...rulesOf(deps, node, begun.hasDeadline), chance: Math.random() });
  switch (verdict.kind) {
    case 'complete':
      return complete(attempt, verdict, also).catch((error: unknown) => endRefused(attempt, error));
    case 'fail':
      return fail(attempt, verdict);
    default:
      await leave(attempt, verdict);
      throw leavingFailure(verdict, end);
  }
}

async function complete(attempt: NodeAttempt, verdict: VerdictOf<'complete'>, also?: Also): Promise<RunNodeResult> {
  const { deps, input, definition, node } = attempt;
  const { execution } = input;
  const inline = inlineValue(verdict.output);
  const isAlone = inline !== null && !input.closesTask && also === undefined;
  const units = isAlone ? deps.database.single : deps.database;
  const { result, closed } = await patiently(() =>
    recording({ units, log: deps.log }, execution.tenant, async (unit) => {
      const output = inline ?? (await storeValue(unit.em, execution, `${node.id}/output.json`, verdict.output));
      const end = endedRun(node, verdict, { ...runSoFar(attempt), output });
      await also?.(unit);
      await writeEnd(attempt, unit.recorder, end);
      if (!input.closesTask) return { result: resultOf(end), closed: null };
      const written = [node.id, verdict.output] as const;
      const ended = await endTask(unit, { execution, definition, status: 'completed', failure: null, written });
      return { result: resultOf(end), closed: ended.status };
    }),
  );
  if (closed !== null) deps.taskEnded(execution, closed);
  await deps.reach('after_end_before_report');
  return { result, closed };
}

/** PostgreSQL would refuse this end again, so the run fails. */
function endRefused(attempt: NodeAttempt, error: unknown): Promise<never> {
  if (!isFinalError(error) || error.code === 'stale_fence') throw error;
  return failForGood(attempt, error);
}

/** How a run fails besides its error. */
export interface Failing {
  readonly also?: Also;
  /** What it had come to. */
  readonly output?: StoredValue;
}

/** Ends the run as failed through no failure of its handler. */
export function failForGood(
  attempt: NodeAttempt,
  { code, message }: { code: string; message: string },
  more: Failing = {},
): Promise<never> {
  const { failures } = attempt.begun;
  return fail(attempt, { kind: 'fail', status: 'fatal_error', error: { code, message }, failures }, more);
}

async function fail(attempt: NodeAttempt, verdict: VerdictOf<'fail'>, { also, output }: Failing = {}): Promise<never> {
  const { deps, input, node } = attempt;
  const { code, message } = verdict.error;
  const end = endedRun(node, verdict, { ...runSoFar(attempt), ...(output && { output }) });
  await patiently(() =>
    recording({ units: deps.database, log: deps.log }, input.execution.tenant, async (unit) => {
      await also?.(unit);
      await writeEnd(attempt, unit.recorder, end);
    }),
  );
  throw finalFailure(code, message, { result: resultOf(end) });
}

/** Writes the run's end and its event. @throws AttemptOvertaken when a later attempt or claim has taken over */
async function writeEnd({ input, node, begun }: NodeAttempt, recorder: Recorder, end: RunEnd): Promise<void> {
  const written = await recorder.runEnded(input.execution, end);
  if (!written) throw new AttemptOvertaken(node.id, begun.number);
}

/** Leaves the run without an end, for the next attempt. */
function leave(attempt: NodeAttempt, verdict: LeavingVerdict): Promise<void> {
  const { deps, input } = attempt;
  return patiently(() =>
    recording({ units: deps.database.single, log: deps.log }, input.execution.tenant, ({ recorder }) =>
      recorder.attemptLeft(runAttemptOf(attempt), verdict),
    ),
  );
}

/** After so long another worker may take a node that this one does not host. Milliseconds. */
const ELSEWHERE_MS = 1_000;

/** What lets Temporal begin the next attempt when it is time. */
function leavingFailure(verdict: LeavingVerdict, end: AttemptEnd): Error {
  switch (verdict.kind) {
    case 'retry':
      return retryableFailure(verdict.error.code, verdict.error.message, verdict.waitMs);
    case 'wait':
      return retryableFailure('rate_limited', verdict.message, verdict.waitMs);
    case 'lost':
      return retryableFailure(verdict.how, 'Temporal timed out the attempt: no heartbeat arrived in time.', 1);
    case 'give back':
      return end.kind === 'unhosted' ? retryableFailure('handler_unknown', end.message, ELSEWHERE_MS) : handOver();
  }
}

/** Whether the attempt is stopped on purpose: by a cancel, or by a worker that shuts down. */
export function isStopped(): boolean {
  const { cancellationDetails } = Context.current();
  return cancellationDetails?.cancelRequested === true || cancellationDetails?.workerShutdown === true;
}

/** A cancelled task ends the run as failed; a worker that shuts down gives the attempt to another one. */
export function handOver(): Error {
  if (Context.current().cancellationDetails?.cancelRequested === true) {
    return new CancelledFailure('The task was cancelled');
  }
  return retryableFailure('handler_cancelled', 'The worker is shutting down; the node continues elsewhere.', 1);
}

const OUTAGE_PAUSE_MS = 1_000;

/** An outage of the database is waited out for as long as Temporal lets the attempt run: the work is done already. */
export async function patiently<Result>(write: () => Promise<Result>): Promise<Result> {
  const { cancellationSignal } = Context.current();
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isStoreOutage(error) || cancellationSignal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_PAUSE_MS));
    }
  }
}
