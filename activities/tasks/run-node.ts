import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { withRecord } from '../../database/with-record.ts';
import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef, NodeResult } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TerminalTaskStatus } from '../../domain/tasks/status.ts';
import { afterFailedAttempt } from '../../domain/traces/retry.ts';
import { StoredRowInvalid } from '../../entities/errors.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { type RunBeginning, type RunEnd, RunRepository } from '../../entities/traces/run-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { HandlerCrashed, StaleFence } from '../errors.ts';
import { finalFailure, retryableFailure, toFailure } from '../failure.ts';
import { type AttemptEnd, agentOf, runAttempt } from './attempt.ts';
import { endTask } from './end-task.ts';
import { handlerContext } from './handler-context.ts';
import { inTurn } from './in-turn.ts';
import { loadDocument, readsNothing, unreadable } from './load-document.ts';
import { inlineValue, storeValue } from './store-value.ts';

export interface RunNodeInput {
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  /** True when the task is complete once this node is: its end is then written in the same transaction. */
  readonly closesTask: boolean;
}

export interface RunNodeResult {
  readonly result: NodeResult;
  readonly closed: TerminalTaskStatus | null;
}

type Begun = Extract<RunBeginning, { kind: 'begun' }>;

/** A node whose workers died this often is poison, and is given up. */
const MAX_CRASHES = 3;
/** How often a running attempt says that it lives, well inside the heartbeat timeout of `workflows/activities.ts`. */
const HEARTBEAT_EVERY_MS = 2_000;
/** How long an attempt waits that met a worker without its handler, or was given back by one that shuts down. */
const ELSEWHERE_DELAY_MS = 500;

/** One attempt, with everything that its steps need. */
interface Attempt {
  readonly deps: ActivityDependencies;
  readonly input: RunNodeInput;
  readonly definition: GraphDefinition;
  readonly node: GraphNode;
  readonly number: number;
}

/**
 * Runs one attempt of a slow node: begins the run, calls the handler, writes the end in one transaction. Idempotent
 * under (trace, node): an attempt that finds the run ended repeats its result and calls nothing.
 */
export async function runNode(deps: ActivityDependencies, input: RunNodeInput): Promise<RunNodeResult> {
  const { execution, nodeId } = input;
  try {
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const node = definition.nodes.find((candidate) => candidate.id === nodeId);
    if (node === undefined) throw new Error(`The graph ${definition.name} has no node ${nodeId}.`);
    return await attemptNode({ deps, input, definition, node, number: Context.current().info.attempt });
  } catch (error) {
    if (error instanceof CancelledFailure) throw error;
    throw toFailure(error);
  }
}

/** The last attempt before a node counts as poison runs when its turn comes: see {@link inTurn}. */
async function attemptNode(attempt: Attempt): Promise<RunNodeResult> {
  if (attempt.number < MAX_CRASHES || (await crashesOf(attempt)) < MAX_CRASHES - 1) return beginAndRun(attempt);
  const activity = Context.current();
  const beat = setInterval(() => activity.heartbeat('waiting for its turn'), HEARTBEAT_EVERY_MS);
  const turn = await inTurn(activity.cancellationSignal, () => {
    clearInterval(beat);
    return beginAndRun(attempt);
  }).finally(() => clearInterval(beat));
  return turn.came ? turn.result : handOver(attempt);
}

function crashesOf({ deps, input, node }: Attempt): Promise<number> {
  const { tenant, traceId } = input.execution;
  return deps.database.single.inTenant(tenant, ({ em }) => new RunRepository(em).crashes(traceId, node.id));
}

async function beginAndRun(attempt: Attempt): Promise<RunNodeResult> {
  const { begun, document } = await begin(attempt);
  if (begun.kind === 'stale') throw new StaleFence(attempt.input.execution.taskId, attempt.input.execution.fence);
  if (begun.kind === 'settled') return repeatEnd(attempt, begun);
  if (begun.crashes >= MAX_CRASHES) return giveUp(attempt, begun);
  if (document instanceof StoredRowInvalid) return fail(attempt, { ...runEnd(attempt, begun), ...fatal(document) });
  await attempt.deps.reach('after_begin_before_handler');
  const end = await callHandler(attempt, document);
  return settle(attempt, begun, end);
}

/** Notes the attempt and reads what the handler will need, in one transaction. What cannot be read fails the run. */
function begin({
  deps,
  input,
  node,
  number,
}: Attempt): Promise<{ begun: RunBeginning; document: GraphDocument | StoredRowInvalid }> {
  const { execution } = input;
  const subject = { nodeId: node.id, agent: node.handler ?? node.id, kind: node.kind };
  const reader = node.condition ?? node.input;
  const units = readsNothing(reader) ? deps.database.single : deps.database;
  return withRecord(deps, (record) =>
    units.inTenant(execution.tenant, async ({ em }) => {
      const begun = await new RunRepository(em).begin(execution, subject, { number, record });
      const document = await loadDocument(em, execution, begun.kind === 'begun' ? [reader] : []).catch(unreadable);
      return { begun, document };
    }),
  );
}

async function callHandler(attempt: Attempt, document: GraphDocument): Promise<AttemptEnd> {
  const { deps, input, node, number } = attempt;
  const activity = Context.current();
  const { execution } = input;
  let details: Json = null;
  const beat = setInterval(() => activity.heartbeat(details), HEARTBEAT_EVERY_MS);
  const heartbeat = (more?: Json) => {
    details = more ?? details;
    activity.heartbeat(details);
  };
  const ref = { execution, nodeId: node.id, agent: agentOf(node), attempt: number, heartbeat };
  try {
    return await runAttempt(node, {
      handlers: deps.handlers,
      document,
      cancellation: activity.cancellationSignal,
      contextFor: (signal) => handlerContext(deps, ref, signal),
    });
  } finally {
    clearInterval(beat);
  }
}

async function settle(attempt: Attempt, begun: Begun, end: AttemptEnd): Promise<RunNodeResult> {
  const { deps, node } = attempt;
  switch (end.kind) {
    case 'ok':
      return complete(attempt, begun, end);
    case 'failed': {
      const failures = begun.failures + 1;
      const { maxRetries } = node.budget;
      const status = afterFailedAttempt({ attempt: failures, maxRetries, retryable: end.retryable });
      if (status === 'retry') return retry(attempt, end);
      return fail(attempt, { ...runEnd(attempt, begun), status, failures, error: end });
    }
    case 'cancelled':
      return handOver(attempt);
    case 'limited':
      await giveBack(attempt);
      throw retryableFailure('rate_limited', end.message, withJitter(end.retryAfterMs));
    case 'unhosted': {
      await giveBack(attempt);
      deps.log.warn({ nodeId: node.id, handler: node.handler }, end.message);
      throw retryableFailure('handler_unknown', end.message, ELSEWHERE_DELAY_MS);
    }
  }
}

async function complete(
  attempt: Attempt,
  begun: Begun,
  end: Extract<AttemptEnd, { kind: 'ok' }>,
): Promise<RunNodeResult> {
  const { deps, input, definition, node, number } = attempt;
  const { execution } = input;
  const inline = inlineValue(end.output);
  const units = inline !== null && !input.closesTask ? deps.database.single : deps.database;
  const closed = await withRecord(deps, (record) =>
    units.inTenant(execution.tenant, async ({ em }) => {
      const output = inline ?? (await storeValue(em, execution, `${node.id}/output.json`, end.output));
      await writeEnd(attempt, em, { ...runEnd(attempt, begun), outcome: end.outcome, output }, record);
      if (!input.closesTask) return null;
      const ended = await endTask(em, { execution, definition, status: 'completed', failure: null, record });
      return ended.status;
    }),
  );
  if (closed !== null) deps.taskEnded(execution, closed);
  await deps.reach('after_end_before_report');
  const outcome = end.outcome === null ? {} : { outcome: end.outcome };
  return { result: { id: node.id, status: 'ok', attempts: number, ...outcome }, closed };
}

/** Writes the run's end and its event. @throws StaleFence when a later attempt or claim has taken over. */
async function writeEnd(
  { input }: Attempt,
  em: ConstructorParameters<typeof RunRepository>[0],
  end: RunEnd,
  record: boolean,
): Promise<void> {
  const { execution } = input;
  const written = await new RunRepository(em).end(execution, end, { record });
  if (!written) throw new StaleFence(execution.taskId, execution.fence);
}

async function fail(attempt: Attempt, end: RunEnd): Promise<never> {
  const { deps, input, number } = attempt;
  const error = { code: end.error?.code ?? 'handler_failed', message: end.error?.message ?? 'the handler failed' };
  await withRecord(deps, (record) =>
    deps.database.inTenant(input.execution.tenant, ({ em }) => writeEnd(attempt, em, { ...end, error }, record)),
  );
  throw finalFailure(error.code, error.message, { result: { id: end.nodeId, status: end.status, attempts: number } });
}

/** Notes the failed attempt and lets Temporal begin the next one at once. */
async function retry(attempt: Attempt, end: Extract<AttemptEnd, { kind: 'failed' }>): Promise<never> {
  const { deps, input, node, number } = attempt;
  await deps.database.inTenant(input.execution.tenant, ({ em }) =>
    new RunRepository(em).retryLater(input.execution.traceId, node.id, number, end),
  );
  throw retryableFailure(end.code, end.message, 1);
}

/** A cancelled task ends the run as failed; a worker that shuts down gives the attempt to another one. */
async function handOver(attempt: Attempt): Promise<never> {
  const { cancellationDetails } = Context.current();
  await giveBack(attempt);
  if (cancellationDetails?.cancelRequested === true) throw new CancelledFailure('The task was cancelled');
  throw retryableFailure('handler_cancelled', 'The worker is shutting down; the node goes on elsewhere.', 1);
}

/** Up to a tenth more: those that wait for one limit do not all come back at once. */
function withJitter(ms: number): number {
  return Math.ceil(ms * (1 + Math.random() / 10)) + 1;
}

async function giveBack({ deps, input, node, number }: Attempt): Promise<void> {
  await deps.database.inTenant(input.execution.tenant, ({ em }) =>
    new RunRepository(em).giveBack(input.execution.traceId, node.id, number),
  );
}

function giveUp(attempt: Attempt, begun: Begun): Promise<never> {
  const error = new HandlerCrashed(attempt.node.id, attempt.node.handler ?? attempt.node.id, begun.crashes);
  return fail(attempt, { ...runEnd(attempt, begun), ...fatal(error) });
}

function fatal({ code, message }: HandlerCrashed | StoredRowInvalid) {
  return { status: 'fatal_error' as const, error: { code, message } };
}

/** An earlier attempt ended the run, and its report was lost: the same report again. */
function repeatEnd({ node, deps, input }: Attempt, settled: Extract<RunBeginning, { kind: 'settled' }>): RunNodeResult {
  const { status, attempts, outcome, taskStatus } = settled;
  const result: NodeResult = { id: node.id, status, attempts, ...(outcome === null ? {} : { outcome }) };
  if (status !== 'ok') throw finalFailure('handler_failed', 'the node failed in an earlier attempt', { result });
  const closed = isTerminalTaskStatus(taskStatus) ? taskStatus : null;
  if (closed !== null) deps.taskEnded(input.execution, closed);
  return { result, closed };
}

function runEnd({ node, number }: Attempt, begun: Begun): RunEnd {
  return {
    nodeId: node.id,
    agent: node.handler ?? node.id,
    kind: node.kind,
    status: 'ok',
    attempts: number,
    failures: begun.failures,
    outcome: null,
    output: NOTHING_STORED,
    error: null,
    startedAt: null,
    finishedAt: new Date(),
  };
}
