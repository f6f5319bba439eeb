import { CONTEXT_CAPS, INPUT_TOKENS } from '../models/context-budget.ts';

/** How far a thinking agent may go in one run. */
export interface ThinkingLimits {
  /** Model calls: 1 to 500. A run that needs more ends as `steps_exhausted`. @defaultValue 12 */
  readonly steps: number;
  /** Tool calls of one step that are carried out: 1 to 16. Further ones are answered with a sentence. @defaultValue 3 */
  readonly callsPerStep: number;
  /** Tools without an effect that run at once: 1 to 16. @defaultValue 3 */
  readonly parallelReads: number;
  /** The longest time of one model call, in milliseconds: 1 to 300,000. @defaultValue 300,000 */
  readonly callMs: number;
  /** The longest silence of a provider within a call, in milliseconds: 1 to 300,000. @defaultValue 60,000 */
  readonly idleMs: number;
  /**
   * Unanswered calls of one step, with growing waits between them, after which the run ends: 1 to 20.
   * @defaultValue 20, about a quarter of an hour
   */
  readonly unanswered: number;
  /** The length of a tool's result that the model reads, in characters: 100 to 100,000. @defaultValue 4,000 */
  readonly resultCharacters: number;
  /**
   * The input of one model call, in tokens: 2,000 to 10,000,000. A model that takes less is given less. A tenth of it may be
   * instructions, and half of it the agent's input. @defaultValue 120,000
   */
  readonly inputTokens: number;
  /** What the model reads of the steps before, in tokens: 2,000 to 10,000,000; the newest. @defaultValue 20,000 */
  readonly transcriptTokens: number;
}

/** Their ranges and defaults. */
export const THINKING_LIMITS: Readonly<
  Record<keyof ThinkingLimits, { readonly min: number; readonly max: number; byDefault: number }>
> = {
  steps: { min: 1, max: 500, byDefault: 12 },
  callsPerStep: { min: 1, max: 16, byDefault: 3 },
  parallelReads: { min: 1, max: 16, byDefault: 3 },
  callMs: { min: 1, max: 300_000, byDefault: 300_000 },
  idleMs: { min: 1, max: 300_000, byDefault: 60_000 },
  unanswered: { min: 1, max: 20, byDefault: 20 },
  resultCharacters: { min: 100, max: 100_000, byDefault: 4_000 },
  inputTokens: { min: 2_000, max: 10_000_000, byDefault: INPUT_TOKENS },
  transcriptTokens: { min: 2_000, max: 10_000_000, byDefault: CONTEXT_CAPS.transcript },
};

/** What to do about a model call whose process died before its answer was written. */
export const DOUBT_POLICIES = ['repeat', 'stop'] as const;
export type DoubtPolicy = (typeof DOUBT_POLICIES)[number];
