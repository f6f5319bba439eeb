import {
  CANARY_BUDGET,
  type CanaryBudget,
  type CanaryDecision,
  decideCanary,
  failuresOf,
  noteOutcome,
  sampleOf,
} from '../../domain/canaries/canary.ts';
import { CanaryRepository, type CanaryState } from '../../entities/canaries/canary-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { listOf, numberFrom, text, wholeNumber } from '../../options/fields.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { listed, name } from '../tasks/task-fields.ts';
import { onceUnderKey } from '../under-key.ts';

const MOST_ROUTES = 100;

export interface DecideCanaryInput {
  readonly canary: string;
  readonly route: string;
  /** The same trace gets the same sample. */
  readonly traceId: string;
  /** Of a hundred traces so many get the canary. */
  readonly percent: number;
  /** The routes that may get it. @defaultValue every route */
  readonly routes?: readonly string[];
}

export const decideOnCanary = defineOperation({
  name: 'canaries.decide',
  summary: 'Says whether a trace gets the canary: by its sample, its route and the error budget.',
  effect: 'read',
  risk: 'read_only',
  permission: 'canaries:use',
  unit: 'statement',
  input: {
    ...{ canary: text(), route: text(), traceId: text(), percent: numberFrom(0, 100) },
    routes: listOf(text(), { max: MOST_ROUTES, of: 'names of routes' }).optional(),
  },
  async handle({ em, caller }, { canary, route, traceId, ...rules }: DecideCanaryInput): Promise<CanaryDecision> {
    const { cooldownUntil } = await new CanaryRepository(em).find(caller.tenant, canary);
    const sample = sampleOf(caller.tenant, route, traceId);
    return decideCanary(rules, { route, sample, isCooling: cooldownUntil !== null });
  },
});

export interface RecordCanaryInput extends Partial<CanaryBudget> {
  readonly canary: string;
  /** Why it failed; null where it was well. */
  readonly failure: string | null;
  /** Makes a repetition harmless. 1 to 255 characters. */
  readonly key?: string;
}

export const recordCanary = defineOperation({
  name: 'canaries.record',
  summary: 'Notes what came of a canary, and closes it for a while where its error budget is used up.',
  effect: 'write',
  risk: 'external_write',
  permission: 'canaries:use',
  unit: 'tenant',
  input: {
    ...{ canary: text(), failure: text().nullable(), key: name },
    ...{
      window: wholeNumber({ min: 10, max: 1_000 }).optional(),
      minimum: wholeNumber({ min: 1, max: 1_000 }).optional(),
    },
    ...{ failureRate: numberFrom(0, 1).optional(), cooldownSeconds: wholeNumber({ min: 1, max: 86_400 }).optional() },
  },
  async handle(call, { key, ...input }: RecordCanaryInput) {
    if (key === undefined) return record(call, input);
    const { answer } = await onceUnderKey(call, { key, operation: 'canaries.record', input }, () =>
      record(call, input),
    );
    return answer;
  },
  // An outcome is its own record; that a canary closed is an event.
  audit: ({ closed }, { canary }) =>
    closed ? { action: 'canary.closed', subjectType: 'canary', subjectId: canary } : null,
});

async function record({ em, caller }: CallInUnit, { canary, failure, ...given }: Omit<RecordCanaryInput, 'key'>) {
  const budget = { ...CANARY_BUDGET, ...given };
  const canaries = new CanaryRepository(em);
  await new TaskRepository(em).ensureTenant(caller.tenant);
  const state = await canaries.lock(caller.tenant, canary);
  const { outcomes, closes } = noteOutcome(state.outcomes, failure !== null, budget);
  await canaries.note(caller.tenant, { name: canary, outcomes }, closes ? budget.cooldownSeconds : null);
  return { closed: closes };
}

/** A canary as a reader sees it. */
export interface CanaryView {
  readonly name: string;
  /** How many outcomes are counted, and how many of those are failures. Closing it begins both anew. */
  readonly outcomes: number;
  readonly failures: number;
  /** Until when it is closed; null where it is open. */
  readonly closedUntil: Date | null;
}

export const listCanaries = defineOperation({
  name: 'canaries.list',
  summary: 'Shows canaries: their outcomes, and until when one is closed.',
  effect: 'read',
  risk: 'read_only',
  permission: 'canaries:read',
  unit: 'statement',
  input: { limit: listed },
  handle: async ({ em, caller }, { limit = 50 }: { readonly limit?: number }): Promise<CanaryView[]> =>
    (await new CanaryRepository(em).list(caller.tenant, limit)).map(viewOf),
});

function viewOf({ name, outcomes, cooldownUntil }: CanaryState): CanaryView {
  return { name, outcomes: outcomes.length, failures: failuresOf(outcomes), closedUntil: cooldownUntil };
}
