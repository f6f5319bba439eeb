import { Context } from '@temporalio/activity';
import { budgetOf, readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import { type AttemptEnd, isGivenUp, isLastTry, MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { recording } from '../../operations/record/recording.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { retryableFailure } from '../failure.ts';
import { runAttempt } from '../nodes/run-attempt.ts';
import { Beat } from './beat.ts';
import { inTurn } from './in-turn.ts';
import { loadDocument, readsNothing, unreadable } from './load-document.ts';
import { giveUp, noteBlocked, noteLoss } from './lost-attempts.ts';
import { asNodeActivity, repeatEnd, requireBegun } from './node-activity.ts';
import type { Beginning, NodeActivity, NodeAttempt, RunNodeInput, RunNodeResult } from './node-attempt.ts';
import { subjectOf } from './run-rows.ts';
import { failForGood, handOver, settle } from './settle-node.ts';

export type { RunNodeInput, RunNodeResult } from './node-attempt.ts';

/**
 * Runs one attempt of a slow node: begins the run, calls the handler, writes the end in one transaction. Idempotent
 * under (trace, node): an attempt that finds the run ended repeats its result and calls nothing.
 */
export async function runNode(deps: ActivityDependencies, input: RunNodeInput): Promise<RunNodeResult> {
  return asNodeActivity(deps, input, runInTurn);
}

/** After a time in line an attempt waits so long before it comes again. Milliseconds. */
const LINE_UP_AGAIN_MS = 250;

/**
 * The last attempt before a node is given up runs when its turn comes: see {@link inTurn}. The server's time for the
 * attempt runs while it stands in line, and its budget must still fit in when it begins: so it waits for half of what the
 * server gives beyond the budget, then lines up again as a new attempt. It has begun nothing, so nothing counts it.
 */
async function runInTurn(activity: NodeActivity): Promise<RunNodeResult> {
  const { info, cancellationSignal } = Context.current();
  if (info.attempt < MAX_LOSSES || !isLastTry({ crashes: await lossesOf(activity) })) return beginAndRun(activity);
  const beat = new Beat('waiting for its turn');
  const withinMs = (info.startToCloseTimeoutMs - budgetOf(activity.node).timeoutMs) / 2;
  const turn = await inTurn({ signal: cancellationSignal, withinMs }, () => {
    beat.stop();
    return beginAndRun(activity);
  }).finally(() => beat.stop());
  if (turn.came) return turn.result;
  if (turn.why === 'aborted') throw handOver();
  throw retryableFailure('handler_failed', 'The node waits for its turn.', LINE_UP_AGAIN_MS);
}

async function lossesOf({ deps, input, node }: NodeActivity): Promise<number> {
  const { tenant, traceId } = input.execution;
  const run = await deps.database.single.inTenant(tenant, ({ em }) => new RunRepository(em).find(traceId, node.id));
  return run?.crashesSoFar() ?? 0;
}

async function beginAndRun(activity: NodeActivity): Promise<RunNodeResult> {
  const { begun, document } = await begin(activity);
  if (begun.kind === 'settled') return repeatEnd(activity, begun);
  const attempt = { ...activity, begun: requireBegun(activity, begun) };
  if (attempt.begun.lost !== null) await noteLoss(attempt, attempt.begun.lost);
  if (isGivenUp(attempt.begun)) return giveUp(attempt);
  if (document instanceof StoredRowInvalid) return failForGood(attempt, document);
  await activity.deps.reach('after_begin_before_handler');
  return callAndSettle(attempt, document);
}

/** Notes the attempt and reads what the handler will need, in one transaction. */
function begin({ deps, input, definition, node }: NodeActivity): Promise<Beginning> {
  const { execution } = input;
  const { workflowExecution, attempt: activityAttempt } = Context.current().info;
  const workflowRun = workflowExecution?.runId ?? '';
  const readers = readersOf(node);
  const place = { execution, definition, scope: scopeOfPath(node.id) };
  const units = readers.every(readsNothing) ? deps.database.single : deps.database;
  return recording({ units, log: deps.log }, execution.tenant, async ({ em, recorder }) => {
    const begun = await recorder.runBegan(execution, subjectOf(node), {
      ...{ workflowRun, activityAttempt, process: deps.process },
    });
    const document = await loadDocument(em, place, begun.kind === 'begun' ? readers : []).catch(unreadable);
    return { begun, document };
  });
}

/** The heartbeat continues until the end is written, so that an outage of PostgreSQL is waited out. */
async function callAndSettle(attempt: NodeAttempt, document: GraphDocument): Promise<RunNodeResult> {
  const beat = new Beat(null, { blocked: (ms) => noteBlocked(attempt, ms) });
  try {
    const end = await attemptNode(attempt, document, beat);
    return await settle(attempt, end);
  } finally {
    beat.stop();
  }
}

async function attemptNode(attempt: NodeAttempt, document: GraphDocument, beat: Beat): Promise<AttemptEnd> {
  const { deps, input, node, begun } = attempt;
  const { number, limitWaitMs } = begun;
  const scope = { execution: input.execution, attempt: number, heartbeat: beat.report.bind(beat) };
  const { cancellationSignal } = Context.current();
  const end = await runAttempt(node, { ...{ deps, scope, limitWaitMs, document }, cancellation: cancellationSignal });
  const isLost = end.kind === 'stopped' && serverGaveUp();
  return isLost ? { kind: 'lost', how: beat.wasBlocked ? 'event_loop_blocked' : 'heartbeat_missed' } : end;
}

/** Whether it is not by a cancel, or by a worker that shuts down, that the attempt was told to stop. */
function serverGaveUp(): boolean {
  const { cancellationDetails } = Context.current();
  return cancellationDetails?.notFound === true || cancellationDetails?.timedOut === true;
}
