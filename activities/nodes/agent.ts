import type { AgentNode } from '../../domain/graphs/definition.ts';
import type { PlaceWaiter } from '../../domain/limits/handler-limits.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import type { AttemptSetting } from './attempt-setting.ts';
import { handlerOutput } from './handler-output.ts';

/** Calls the agent's code, once the agent has a place. */
export async function runAgent(node: AgentNode, setting: AttemptSetting): Promise<AttemptEnd> {
  const agent = node.handler;
  const place = await setting.deps.takePlace(agent, placeWaiter(node, setting));
  if (!place.taken) {
    const { message, retryAfterMs, waitedMs } = place;
    return { kind: 'limited', message, retryAfterMs, waitedMs };
  }
  try {
    return { kind: 'ok', output: await handlerOutput(node, setting, agent), outcome: null };
  } finally {
    place.release();
  }
}

function placeWaiter({ id }: AgentNode, { scope, limitWaitMs, cancellation }: AttemptSetting): PlaceWaiter {
  const { execution } = scope;
  return {
    id: `${execution.traceId}/${id}`,
    band: execution.band ?? 'normal',
    waitedMs: limitWaitMs ?? 0,
    stay: limitWaitMs === undefined ? null : cancellation,
  };
}
