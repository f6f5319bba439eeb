import { EffectResultInvalid } from '../../capabilities/capability-errors.ts';
import { handlerEffects } from '../../capabilities/effects.ts';
import { callHandler } from '../../capabilities/handler-context.ts';
import type { NodeScope } from '../../capabilities/scope.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import { acrossBorder } from '../../domain/agents/thrown.ts';
import type { Json } from '../../domain/json.ts';
import { toolTraits } from '../../domain/tools/governed-tool.ts';
import type { ToolCallPlace } from '../../operations/record/tool-calls.ts';
import { HandlerOutputInvalid } from '../handler-errors.ts';
import { faultsText, withinTime } from '../nodes/handler-output.ts';
import type { Beat } from '../tasks/beat.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { type BegunTool, UNSAFE_STEP } from './begin-tool.ts';

export interface ToolSetting {
  readonly place: ToolCallPlace;
  readonly beat: Beat;
  readonly cancellation: AbortSignal;
}

/**
 * Calls a tool as its effect class allows. One that must never be repeated is an effect of its own: found without a
 * result, it is in doubt. The others may be called again: they change nothing, do no harm twice, or give the other side
 * the key by which it knows a repetition.
 * @throws what the tool throws, HandlerTimedOut, HandlerOutputInvalid, EffectInDoubt
 */
export async function runTool(activity: NodeActivity, begun: BegunTool, setting: ToolSetting): Promise<unknown> {
  const { tool, known } = begun;
  const value = known === null ? await call(activity, begun, setting) : resultOf(known);
  const output = await parseWith(tool.output, value);
  if (!output.ok) throw new HandlerOutputInvalid(activity.node.id, tool.name, faultsText(output.issues));
  return output.value;
}

/** What an earlier trace recorded. @throws EffectResultInvalid */
function resultOf({ effectKey, result, fault }: NonNullable<BegunTool['known']>): Json {
  if (fault !== null) throw new EffectResultInvalid(effectKey, fault);
  return result;
}

function call(activity: NodeActivity, begun: BegunTool, setting: ToolSetting): Promise<unknown> {
  const { tool } = begun;
  const { timeoutMs, effect } = toolTraits(tool);
  const { cancellation } = setting;
  return withinTime({ nodeId: activity.node.id, handler: tool.name, timeoutMs, cancellation }, async (signal) => {
    const scope = scopeOf(activity, begun, { ...setting, signal });
    const call = async () => acrossBorder(() => callHandler(scope, tool, begun.input));
    if (effect !== 'unsafe') return call();
    return handlerEffects(scope)(UNSAFE_STEP, {
      request: begun.arguments,
      call: () => call() as Promise<never>,
      whenInDoubt: 'stop',
    });
  });
}

function scopeOf(
  { deps, node }: NodeActivity,
  { agent, tool, key, attempt }: BegunTool,
  { place, beat, signal }: ToolSetting & { readonly signal: AbortSignal },
): NodeScope {
  const { execution } = place;
  const { taskId, traceId } = execution;
  const { number } = attempt;
  return {
    ...{ deps, execution, nodeId: node.id, agent: agent.name, attempt: number, place: key, signal },
    invocation: { of: 'node', handler: tool.name, taskId, traceId, nodeId: node.id, attempt: number },
    heartbeat: beat.report.bind(beat),
  };
}
