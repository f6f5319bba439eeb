import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { StaleFence } from '../../capabilities/capability-errors.ts';
import { errorMessage, MusterError } from '../../domain/errors.ts';
import { handlerNameOf } from '../../domain/graphs/kinds/kind-table.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import type { NodeResult } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { growingWaitMs } from '../../domain/waits.ts';
import type { RunBeginning } from '../../operations/record/notes.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { finalFailure, retryableFailure, toFailure } from '../failure.ts';
import { AttemptOvertaken } from '../handler-errors.ts';
import { missingHandler } from '../nodes/attempt-setting.ts';
import type { Begun, NodeActivity, RunNodeInput, RunNodeResult } from './node-attempt.ts';

/** So many attempts that end in a fault of the program itself, with the waits between them about two minutes. */
const MAX_UNEXPECTED = 20;
/** The heartbeat's detail under which they are counted: it goes from one attempt to the next, and needs no row. */
const UNEXPECTED = 'muster.unexpected';
const UNEXPECTED_WAIT = { firstMs: 250, mostMs: 10_000 };
/** How long an attempt waits that met a worker without its handler. */
const ELSEWHERE_WAIT = { firstMs: 500, mostMs: 3_000 };

/** Carries out an activity of one node. Whatever it throws becomes a failure that Temporal understands. */
export async function asNodeActivity<Input extends RunNodeInput, Result>(
  deps: ActivityDependencies,
  input: Input,
  work: (activity: NodeActivity & { readonly input: Input }) => Promise<Result>,
): Promise<Result> {
  const { execution, nodeId } = input;
  try {
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const node = nodeOfRun(definition, nodeId);
    const activity = { deps, input, definition, node };
    requireHandler(activity);
    return await work(activity);
  } catch (error) {
    if (error instanceof CancelledFailure || error instanceof ApplicationFailure) throw error;
    throw error instanceof MusterError ? toFailure(error) : unexpectedFailure(error);
  }
}

/** The wait after a fault of the program goes by how many there were, not by how often the node had waited before. */
function unexpectedFailure(error: unknown): Error {
  const count = countUnexpected();
  if (count < MAX_UNEXPECTED) return toFailure(error, {}, growingWaitMs(UNEXPECTED_WAIT, count));
  return finalFailure('handler_failed', `The node could not be run: ${errorMessage(error)}`, {});
}

/**
 * Counts a fault of the program before the run has begun: nothing else does. Attempts that waited or met another worker
 * leave the count as it is; a handler that is called begins it anew.
 */
function countUnexpected(): number {
  const activity = Context.current();
  const details: unknown = activity.info.heartbeatDetails;
  const before = typeof details === 'object' && details !== null ? Object.entries(details) : [];
  const count = before.find(([name]) => name === UNEXPECTED)?.[1];
  const unexpected = typeof count === 'number' ? count + 1 : 1;
  activity.heartbeat({ [UNEXPECTED]: unexpected });
  return unexpected;
}

/** Nothing is written for a node that this worker does not host: it goes to another one, after at most three seconds. */
function requireHandler({ deps, node }: NodeActivity): void {
  const missing = missingHandler(deps, node);
  if (missing === null) return;
  deps.log.warn({ nodeId: node.id, handler: handlerNameOf(node) }, missing.message);
  const waitMs = growingWaitMs(ELSEWHERE_WAIT, Context.current().info.attempt);
  throw retryableFailure(missing.code, missing.message, waitMs);
}

/** Lets an attempt continue that has begun; any other has nothing to do. @throws StaleFence, AttemptOvertaken */
export function requireBegun({ input, node }: NodeActivity, begun: Exclude<RunBeginning, { kind: 'settled' }>): Begun {
  if (begun.kind === 'begun') return begun;
  if (begun.kind === 'stale') throw new StaleFence(input.execution.taskId, input.execution.fence);
  if (begun.kind === 'overtaken') throw new AttemptOvertaken(node.id, Context.current().info.attempt);
  throw retryableFailure('handler_failed', 'The node waits for its next attempt.', begun.waitMs);
}

/** An earlier attempt ended the run, and its report was lost: the same report again. */
export function repeatEnd(
  { node, deps, input }: NodeActivity,
  settled: Extract<RunBeginning, { kind: 'settled' }>,
): RunNodeResult {
  const { status, attempts, outcome, taskStatus } = settled;
  const result: NodeResult = { id: node.id, status, attempts, ...(outcome === null ? {} : { outcome }) };
  if (status !== 'ok') {
    const { code, message } = settled.error ?? { code: 'handler_failed', message: 'The node failed before.' };
    throw finalFailure(code, message, { result });
  }
  const closed = isTerminalTaskStatus(taskStatus) ? taskStatus : null;
  if (closed !== null) deps.taskEnded(input.execution, closed);
  return { result, closed };
}
