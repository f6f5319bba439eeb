import { Context } from '@temporalio/activity';
import { DEFAULT_RETRY } from '../../domain/agents/retry-policy.ts';
import { LimitWaitExceeded } from '../../domain/traces/attempt-errors.ts';
import { retryableFailure } from '../failure.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { handOver } from '../tasks/settle-node.ts';

/**
 * Makes a step in a place of its agent. A thinking run holds none between its model calls: it may last for days, and what the
 * limit protects is what the agent calls. One without a place comes again, for a day at most.
 * @throws LimitWaitExceeded
 */
export async function inPlace<Result>(
  { deps, input, node }: NodeActivity,
  agent: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const { info, cancellationSignal: stay } = Context.current();
  const { traceId, band = 'normal' } = input.execution;
  const waitedMs = Math.max(0, Date.now() - info.scheduledTimestampMs);
  const waiter = { id: `${traceId}/${node.id}`, band, waitedMs, stay };
  const place = await deps.takePlace(agent, waiter).catch((error: unknown) => {
    throw stay.aborted ? handOver() : error;
  });
  if (place.taken) return work().finally(place.release);
  const { limitWaitMs } = DEFAULT_RETRY;
  if (waitedMs > limitWaitMs) throw new LimitWaitExceeded(node.id, limitWaitMs, place.message);
  throw retryableFailure('rate_limited', place.message, place.retryAfterMs);
}
