import type { Handler, Thinking } from '../../domain/agents/handler.ts';
import { writeSchema } from '../../domain/agents/schema.ts';
import { handlerNameOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { ModelTool } from '../../domain/models/model-messages.ts';
import { groupsOf, type StepSoFar } from '../../domain/thinking/next-move.ts';
import { toolTraits } from '../../domain/tools/governed-tool.ts';
import type { StepRows } from '../../entities/thinking/thinking-repository.ts';
import type { ModelCaller } from '../../providers/model-caller.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';

/** A thinking agent that this worker hosts. */
export interface ThinkingAgent {
  readonly name: string;
  readonly handler: Handler;
  readonly thinking: Thinking;
}

/**
 * A thinking run is one attempt, whichever process carries out its steps: its calls are known by their places, so nothing is
 * gained by counting those who make them.
 */
export const ONE_ATTEMPT = { workflowRun: 'thinking', activityAttempt: 1, process: 'thinking' };

/** @throws HandlerUnknown where this worker hosts another kind of agent under the name */
export function thinkingAgentOf({ deps, node }: Pick<NodeActivity, 'deps' | 'node'>): ThinkingAgent {
  const name = handlerNameOf(node) ?? '';
  const handler = deps.handlers.get(`agent:${name}`);
  if (handler?.thinking === undefined) throw new HandlerUnknown(node.id, `the thinking agent "${name}"`);
  return { name, handler, thinking: handler.thinking };
}

/** The first of the agent's models that this worker can call; its first one where it can call none. */
export function modelOf({ models: [first, ...others] }: Thinking, models: Pick<ModelCaller, 'names'> | null): string {
  const known = models?.names() ?? [];
  return [first, ...others].find((name) => known.includes(name)) ?? first;
}

/** The tools of an agent as its model is told of them. */
export function modelTools({ tools }: Thinking): readonly ModelTool[] {
  return tools.map(({ name, description, input }) => ({
    name,
    description,
    inputSchema: writeSchema(input).jsonSchema ?? {},
  }));
}

/** The agent's tool of this name; undefined for one that it has not. */
export function toolNamed({ tools }: Thinking, called: string): Handler | undefined {
  return tools.find(({ name }) => name === called);
}

/** The rows of a run as the machine reads them. */
export function stepsSoFar(rows: readonly StepRows[]): readonly StepSoFar[] {
  return rows.map(({ call, tools }) => ({
    step: call.step,
    state: call.state,
    fault: call.fault ?? null,
    calls: tools.map(({ index, state }) => ({ index, state })),
  }));
}

/** The open tool calls of a step, in groups that are carried out one after the other. */
export function dueGroups({ thinking }: ThinkingAgent, asked: readonly { index: number; tool: string }[]) {
  const due = asked.map(({ index, tool: name }) => {
    const tool = toolNamed(thinking, name);
    const { timeoutMs, effect } = toolTraits(tool ?? {});
    return { index, timeoutMs, reads: effect === 'none' };
  });
  return groupsOf(due, thinking.limits.parallelReads);
}
