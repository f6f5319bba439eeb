import { errorMessage } from '../../domain/errors.ts';
import { performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import { HandlerLost, type Loss, lossesNoted } from '../../domain/traces/attempt-errors.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import type { LostAttempt } from '../../operations/record/notes.ts';
import { recording } from '../../operations/record/recording.ts';
import { type NodeActivity, type NodeAttempt, runAttemptOf } from './node-attempt.ts';
import { failForGood } from './settle-node.ts';

/** Notes how the attempt before this one was lost, from what the database knows of its process. */
export async function noteLoss({ deps, input, node }: NodeActivity, lost: LostAttempt): Promise<void> {
  const { tenant, traceId } = input.execution;
  await recording({ units: deps.database.single, log: deps.log }, tenant, ({ recorder }) =>
    recorder.lossFound({ traceId, nodeId: node.id }, lost),
  );
}

/** Records that this process's event loop was blocked while the attempt ran: no other process can know. */
export function noteBlocked(attempt: NodeAttempt, ms: number): void {
  const { deps, input, node } = attempt;
  const blockedSeconds = Math.round(ms / 1_000);
  deps.log.warn(
    { taskId: input.execution.taskId, nodeId: node.id, handler: performerOf(node), blockedSeconds },
    'the event loop was blocked while the node ran; Temporal may have given the node to another worker',
  );
  recording({ units: deps.database.single, log: deps.log }, input.execution.tenant, ({ recorder }) =>
    recorder.lossExplained(runAttemptOf(attempt), 'event_loop_blocked' satisfies Loss),
  ).catch((error: unknown) =>
    deps.log.debug({ error: errorMessage(error) }, 'could not record that the event loop was blocked'),
  );
}

/** Ends the run with the verdict over its lost attempts. */
export async function giveUp(attempt: NodeAttempt): Promise<never> {
  const { deps, input, node, begun } = attempt;
  const { tenant, traceId } = input.execution;
  const run = await deps.database.single.inTenant(tenant, ({ em }) => new RunRepository(em).find(traceId, node.id));
  const losses = lossesNoted(run?.lossesSoFar() ?? [], begun.crashes);
  return failForGood(attempt, new HandlerLost(node.id, performerOf(node), losses));
}
