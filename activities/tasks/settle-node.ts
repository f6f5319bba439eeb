import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { retryDelayMs } from '../../domain/agents/retry-policy.ts';
import { isFinalError, MusterError } from '../../domain/errors.ts';
import { budgetOf } from '../../domain/graphs/kinds/kind-table.ts';
import { afterFailedAttempt } from '../../domain/traces/retry.ts';
import type { SettledRunStatus } from '../../domain/traces/trace-status.ts';
import type { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { AttemptLeft, RunEnd } from '../../operations/record/notes.ts';
import type { Recorder } from '../../operations/record/recorder.ts';
import { recording } from '../../operations/record/recording.ts';
import { finalFailure, retryableFailure } from '../failure.ts';
import { AttemptOvertaken, LimitWaitExceeded, type Loss } from '../handler-errors.ts';
import { type AttemptEnd, retryPolicyFor } from './attempt.ts';
import type { Beat } from './beat.ts';
import { endTask } from './end-task.ts';
import { type NodeAttempt, type RunNodeResult, runAttemptOf, runEnd } from './node-attempt.ts';
import { inlineValue, storeValue } from './store-value.ts';

type Failed = Extract<AttemptEnd, { kind: 'failed' }>;

/** Writes how an attempt ended, and reports it. */
export async function settle(attempt: NodeAttempt, end: AttemptEnd, beat: Beat): Promise<RunNodeResult> {
  switch (end.kind) {
    case 'ok':
      return complete(attempt, end).catch((error: unknown) => endRefused(attempt, error));
    case 'failed':
      return failedOnce(attempt, end);
    case 'cancelled':
      return stopped(attempt, beat);
    case 'limited':
      return waitForLimit(attempt, end);
    case 'unhosted':
      await leave(attempt, { because: 'given back' });
      throw retryableFailure('handler_unknown', end.message, 1_000);
  }
}

async function complete(attempt: NodeAttempt, end: Extract<AttemptEnd, { kind: 'ok' }>): Promise<RunNodeResult> {
  const { deps, input, definition, node, begun } = attempt;
  const { execution } = input;
  const inline = inlineValue(end.output);
  const units = inline !== null && !input.closesTask ? deps.database.single : deps.database;
  const closed = await patiently(() =>
    recording({ units, log: deps.log }, execution.tenant, async (unit) => {
      const output = inline ?? (await storeValue(unit.em, execution, `${node.id}/output.json`, end.output));
      await writeEnd(attempt, unit.recorder, { ...runEnd(attempt), outcome: end.outcome, output });
      if (!input.closesTask) return null;
      const ended = await endTask(unit, { execution, definition, status: 'completed', failure: null });
      return ended.status;
    }),
  );
  if (closed !== null) deps.taskEnded(execution, closed);
  await deps.reach('after_end_before_report');
  const outcome = end.outcome === null ? {} : { outcome: end.outcome };
  return { result: { id: node.id, status: 'ok', attempts: begun.number, ...outcome }, closed };
}

const OUTAGE_PAUSE_MS = 1_000;

/** What PostgreSQL takes for no end of the run, it would not take the next time either. */
function endRefused(attempt: NodeAttempt, error: unknown): Promise<never> {
  if (!isFinalError(error) || error.code === 'stale_fence') throw error;
  return fail(attempt, { status: 'fatal_error', error });
}

/** An outage of the database is waited out for as long as Temporal lets the attempt run: the work is done already. */
async function patiently<Result>(write: () => Promise<Result>): Promise<Result> {
  const { cancellationSignal } = Context.current();
  for (;;) {
    try {
      return await write();
    } catch (error) {
      const outage = error instanceof MusterError && error.retryable && !(error instanceof AttemptOvertaken);
      if (!outage || cancellationSignal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_PAUSE_MS));
    }
  }
}

/** Writes the run's end and its event. @throws AttemptOvertaken when a later attempt or claim has taken over. */
async function writeEnd({ input, node, begun }: NodeAttempt, recorder: Recorder, end: RunEnd): Promise<void> {
  const written = await recorder.runEnded(input.execution, end);
  if (!written) throw new AttemptOvertaken(node.id, begun.number);
}

function failedOnce(attempt: NodeAttempt, end: Failed): Promise<never> {
  const { node, begun } = attempt;
  const failures = begun.failures + 1;
  const { maxRetries } = budgetOf(node);
  const status = afterFailedAttempt({ attempt: failures, maxRetries, retryable: end.retryable });
  return status === 'retry' ? retry(attempt, end) : fail(attempt, { status, failures, error: end });
}

/** Ends the run as failed, for good. */
export async function fail(
  attempt: NodeAttempt,
  how: { status: SettledRunStatus; failures?: number; error: { code: string; message: string } },
): Promise<never> {
  const { deps, input, node, begun } = attempt;
  const { code, message } = how.error;
  const { status, failures = begun.failures } = how;
  const end = { ...runEnd(attempt), status, failures, error: { code, message } };
  await patiently(() =>
    recording({ units: deps.database, log: deps.log }, input.execution.tenant, ({ recorder }) =>
      writeEnd(attempt, recorder, end),
    ),
  );
  throw finalFailure(code, message, { result: { id: node.id, status, attempts: begun.number } });
}

/** What the node needs cannot be read where it is stored. */
export function failUnread(attempt: NodeAttempt, { code, message }: StoredRowInvalid): Promise<never> {
  return fail(attempt, { status: 'fatal_error', error: { code, message } });
}

/** Notes the failed attempt and lets Temporal begin the next one after the wait. */
async function retry(attempt: NodeAttempt, end: Failed): Promise<never> {
  const { deps, node, begun } = attempt;
  const { retryAfterMs } = end;
  const policy = retryPolicyFor(deps.handlers, node);
  const waitMs = retryDelayMs(policy, { failures: begun.failures + 1, retryAfterMs, chance: Math.random() });
  await leave(attempt, { because: 'failed', error: end, waitMs });
  throw retryableFailure(end.code, end.message, waitMs);
}

/** Lets the node wait without holding a place, unless it has waited for as long as it may. */
async function waitForLimit(attempt: NodeAttempt, end: Extract<AttemptEnd, { kind: 'limited' }>): Promise<never> {
  const { deps, node } = attempt;
  const { limitWaitMs: mostMs } = retryPolicyFor(deps.handlers, node);
  // Up to a tenth more: those that wait for one limit do not all come back at once.
  const waitMs = Math.ceil(end.retryAfterMs * (1 + Math.random() / 10)) + 1;
  const may = await leave(attempt, { because: 'limited', waitMs, waitedMs: end.waitedMs, mostMs });
  if (may) throw retryableFailure('rate_limited', end.message, waitMs);
  const error = new LimitWaitExceeded(node.id, mostMs, end.message);
  return fail(attempt, { status: 'fatal_error', error });
}

/** The attempt was told to stop: by a cancel, by a worker that shuts down, or because the server gave it up. */
async function stopped(attempt: NodeAttempt, beat: Beat): Promise<never> {
  const { cancellationDetails } = Context.current();
  if (cancellationDetails?.notFound !== true && cancellationDetails?.timedOut !== true) {
    await leave(attempt, { because: 'given back' });
    return handOver();
  }
  const how: Loss = beat.wasBlocked ? 'event_loop_blocked' : 'heartbeat_missed';
  await leave(attempt, { because: 'lost', how });
  throw retryableFailure(how, 'The server had given the attempt up: no heartbeat came in time.', 1);
}

/** A cancelled task ends the run as failed; a worker that shuts down gives the attempt to another one. */
export function handOver(): never {
  if (Context.current().cancellationDetails?.cancelRequested === true) {
    throw new CancelledFailure('The task was cancelled');
  }
  throw retryableFailure('handler_cancelled', 'The worker is shutting down; the node continues elsewhere.', 1);
}

/** Leaves the run without an end. False only for a limit that it would wait for too long. */
function leave(attempt: NodeAttempt, left: AttemptLeft): Promise<boolean> {
  const { deps, input } = attempt;
  return patiently(() =>
    recording({ units: deps.database.single, log: deps.log }, input.execution.tenant, ({ recorder }) =>
      recorder.attemptLeft(input.execution, runAttemptOf(attempt), left),
    ),
  );
}
