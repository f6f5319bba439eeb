import type { Handler, Thinking } from '../../domain/agents/handler.ts';
import { writeSchema } from '../../domain/agents/schema.ts';
import type { Json } from '../../domain/json.ts';
import type { ModelTool } from '../../domain/models/model-messages.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { MAX_TOOLS } from '../../domain/thinking/define-thinking.ts';
import { groupsOf, type StepSoFar } from '../../domain/thinking/next-move.ts';
import { THINKING_PROCESS } from '../../domain/thinking/states.ts';
import { toolTraits } from '../../domain/tools/governed-tool.ts';
import type { StepRows } from '../../entities/thinking/statements/read-steps.ts';
import type { ModelCaller } from '../../providers/model-caller.ts';

/** A thinking agent that this worker hosts. */
export interface ThinkingAgent {
  readonly name: string;
  readonly handler: Handler;
  readonly thinking: Thinking;
  /** What it may ask for at this moment, as this worker carries it out; at most {@link MAX_TOOLS}. */
  readonly tools: readonly Handler[];
  /** The sources of tools that cannot be reached. */
  readonly unavailable: readonly string[];
  /** Reads its output as a judgement; absent for an agent whose output is that of its run. */
  readonly judge?: Judge;
}

/** What comes of a judgement. */
export interface Judge {
  ruling(output: Json): { readonly output: Json } | { readonly failure: Failure };
  /** Of an answer that could not be read, also when it was repaired: nobody has judged. */
  unread(fault: string): Failure;
}

/**
 * A thinking run is one attempt, whichever process carries out its steps: its calls are known by their places, so nothing is
 * gained by counting those who make them.
 */
export const ONE_ATTEMPT = { workflowRun: 'thinking', activityAttempt: 1, process: THINKING_PROCESS };

/** The first of the agent's models that this worker can call; its first one where it can call none. */
export function modelOf({ models: [first, ...others] }: Thinking, models: Pick<ModelCaller, 'names'> | null): string {
  const known = models?.names() ?? [];
  return [first, ...others].find((name) => known.includes(name)) ?? first;
}

/** The tools of an agent as its model is told of them. */
export function modelTools({ tools }: ThinkingAgent): readonly ModelTool[] {
  return tools.map(({ name, description, input }) => ({
    name,
    description,
    inputSchema: writeSchema(input).jsonSchema ?? {},
  }));
}

/** The agent's tool of this name; undefined for one that it has not. */
export function toolNamed({ tools }: Pick<ThinkingAgent, 'tools'>, called: string): Handler | undefined {
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
export function dueGroups(agent: ThinkingAgent, asked: readonly { index: number; tool: string }[]) {
  const due = asked.map(({ index, tool: name }) => {
    const tool = toolNamed(agent, name);
    const { timeoutMs, effect } = toolTraits(tool ?? {});
    return { index, timeoutMs, reads: effect === 'none' };
  });
  return groupsOf(due, agent.thinking.limits.parallelReads);
}
