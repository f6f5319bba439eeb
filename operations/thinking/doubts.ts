import type { ModelCall } from '../../entities/thinking/model-call.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { defineOperation } from '../define.ts';
import { listed } from '../tasks/task-fields.ts';

/** A call of which nobody knows whether it happened: its process died, and it must not be repeated. */
export interface DoubtView {
  readonly kind: 'model' | 'tool';
  readonly taskId: string;
  readonly traceId: string;
  readonly path: string;
  readonly step: number;
  /** Which call of the step; null for the model call itself. */
  readonly index: number | null;
  readonly agent: string;
  /** The model or the tool. */
  readonly called: string;
  readonly since: Date | null;
}

/** Which doubts to list, the newest first. */
export interface DoubtListOptions {
  /** 1 to 500. @defaultValue 50 */
  readonly limit?: number;
}

export const listDoubts = defineOperation({
  name: 'thinking.doubts',
  summary: 'Lists calls of models and tools that may or may not have happened.',
  effect: 'read',
  risk: 'read_only',
  permission: 'tasks:read',
  unit: 'tenant',
  input: { limit: listed },
  async handle({ em, caller }, { limit = 50 }: DoubtListOptions): Promise<readonly DoubtView[]> {
    const { models, tools } = await new ThinkingRepository(em).doubts(caller.tenant, limit);
    const all = [
      ...models.map((call) => ({ ...placeOf(call), kind: 'model' as const, index: null, called: call.model })),
      ...tools.map((call) => ({ ...placeOf(call), kind: 'tool' as const, index: call.index, called: call.tool })),
    ];
    return all.toSorted((one, other) => Number(other.since ?? 0) - Number(one.since ?? 0)).slice(0, limit);
  },
});

type Place = Pick<DoubtView, 'taskId' | 'traceId' | 'path' | 'step' | 'agent'>;

function placeOf(call: ModelCall | ToolCall): Place & Pick<DoubtView, 'since'> {
  const { taskId, traceId, path, step, agent, startedAt } = call;
  return { taskId, traceId, path, step, agent, since: startedAt ?? null };
}
