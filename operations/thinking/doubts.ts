import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
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
  /** What `effects.settle` knows a call of a tool by; null for a call of a model. */
  readonly effect: string | null;
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
    const all: DoubtView[] = [
      ...models.map((call) => ({ ...call, kind: 'model' as const, index: null, effect: null })),
      ...tools.map(({ result, ...call }) => ({ ...call, kind: 'tool' as const, effect: result?.effectKey ?? null })),
    ];
    return all.toSorted((one, other) => Number(other.since ?? 0) - Number(one.since ?? 0)).slice(0, limit);
  },
});
