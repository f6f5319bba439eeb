/** What a critic says of a draft. */
export const CRITIC_VERDICTS = ['accept', 'revise'] as const;
export type CriticVerdict = (typeof CRITIC_VERDICTS)[number];

/** Limits of the critic's loop. A revision runs a step cooler than the draft, and never colder than the minimum. */
export const CRITIC_LIMITS = { minScore: 0.82, maxRevisions: 2, temperatureStep: 0.2, minTemperature: 0.1 } as const;

export interface Review {
  /** 0 to 1. A score that is no number counts as too low. */
  readonly score: number;
  readonly verdict: CriticVerdict;
  /** Revisions made so far. */
  readonly revisions: number;
  /** The temperature that the reviewed draft was made with. */
  readonly temperature: number;
  /** @defaultValue 0.82 */
  readonly minScore?: number;
  /** 0 to 2; what lies outside is taken as the nearer limit. @defaultValue 2 */
  readonly maxRevisions?: number;
}

/**
 * Whether a reviewed draft is revised once more, and how warm. It is when the critic says so or the score is below the
 * minimum, as long as revisions are left; so a loop ends after two at the latest.
 */
export function nextRevision(review: Review): { readonly revise: boolean; readonly temperature: number } {
  const { minScore = CRITIC_LIMITS.minScore, maxRevisions = CRITIC_LIMITS.maxRevisions } = review;
  const allowed = Math.min(CRITIC_LIMITS.maxRevisions, Math.max(0, maxRevisions));
  const wanted = review.verdict === 'revise' || !(review.score >= minScore);
  const revise = wanted && review.revisions < allowed;
  const step = revise ? CRITIC_LIMITS.temperatureStep : 0;
  return { revise, temperature: Math.max(CRITIC_LIMITS.minTemperature, review.temperature - step) };
}
