import { isJsonObject, type Json } from '../json.ts';

/** When a critic is content. */
export interface ReviewRules {
  /** The score from which on an answer is not revised: 0 to 1. */
  readonly minScore: number;
  /** How often an answer is revised at most: 0 to 2. */
  readonly revisions: number;
}

export const REVIEW_DEFAULTS: ReviewRules = { minScore: 0.82, revisions: 2 };

/** What a critic said of an answer. */
export interface Review {
  /** 0 to 1; null where the critic gave none. */
  readonly score: number | null;
  readonly notes: string | null;
  /** Whether the answer is to be revised. */
  readonly revise: boolean;
}

/** Reads a critic's output. One that cannot be used, or that there is not, asks for nothing: the answer stands. */
export function readReview(said: Json, { minScore }: ReviewRules): Review {
  const { score, verdict, notes } = isJsonObject(said) ? said : {};
  const known = typeof score === 'number' && score >= 0 && score <= 1 ? score : null;
  return {
    score: known,
    notes: typeof notes === 'string' ? notes : null,
    revise: verdict === 'revise' || (known !== null && known < minScore),
  };
}

const STEP = 0.2;
const LEAST = 0.1;

/** The temperature of a revision: each is a step cooler than the one before, and none below the least. */
export function temperatureOf(first: number, revision: number): number {
  return revision === 0 ? first : Math.max(LEAST, Math.round((first - STEP * revision) * 100) / 100);
}
