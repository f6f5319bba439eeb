import type { Handler, HandlerContext } from '../domain/agents/handler.ts';
import type { HandlerMessages } from '../domain/messaging/received-message.ts';
import { artifactWriter } from './artifacts.ts';
import { handlerEffects } from './effects.ts';
import { handlerHeartbeat } from './heartbeat.ts';
import { handlerLimits } from './limits.ts';
import { handlerLog } from './log.ts';
import { handlerMessages } from './messages.ts';
import { type NodeScope, placeOf } from './scope.ts';

/** Calls the handler with its context. Throws what the handler throws. */
export function callHandler(scope: NodeScope, handler: Handler, input: unknown): Promise<unknown> {
  const { watch } = scope.deps;
  return watch.call(scope.invocation, { input }, () => handler.handle(input, handlerContext(scope)));
}

/**
 * What a handler is given: see the fields of {@link HandlerContext}. This is the border to the handler's code: whatever
 * comes in is checked here, and errors of Muster that go out are remembered as such.
 */
function handlerContext(scope: NodeScope): HandlerContext {
  const { deps, execution, nodeId, agent, attempt, signal } = scope;
  return {
    tenant: execution.tenant,
    taskId: execution.taskId,
    traceId: execution.traceId,
    nodeId,
    agent,
    attempt,
    signal,
    models: deps.models?.names() ?? [],
    heartbeat: handlerHeartbeat(scope),
    effect: handlerEffects(scope),
    writeArtifact: artifactWriter(scope),
    limits: handlerLimits(scope),
    messages: nodeMessages(scope),
    log: handlerLog(deps.log, { taskId: execution.taskId, nodeId, attempt }),
  };
}

/**
 * Every attempt of a node sends the same messages. An attempt that is no longer the current one sends nothing. @throws
 * StaleFence besides what each call throws
 */
function nodeMessages(scope: NodeScope): HandlerMessages {
  const { deps, execution, nodeId, agent, attempt, invocation, signal } = scope;
  const { tenant, taskId, traceId, traceNumber } = execution;
  const id = agent === null ? undefined : deps.agentId(agent);
  const from = agent === null || id === undefined ? null : { id, name: agent };
  return handlerMessages({
    sender: deps.sender,
    speaker: { tenant, from, traceId, attempt: { execution, nodeId, attempt } },
    work: ['node', taskId, String(traceNumber), placeOf(scope)],
    signal,
    asked: (action) => deps.watch.asked(invocation, action),
  });
}
