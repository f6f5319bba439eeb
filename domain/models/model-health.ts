/** How well a model works, from 0 (never) to 1 (always and fast). An exponentially weighted mean of its calls. */
export type ModelHealth = number;

/** The health of one way to a model. */
export interface RouteHealth {
  readonly provider: string;
  /** The provider's name of the model. */
  readonly id: string;
  readonly health: ModelHealth;
  /** Whether calls are kept away from the provider, since it failed again and again. */
  readonly isOpen: boolean;
}

/** Of a model that nobody has called. */
export const UNKNOWN_HEALTH: ModelHealth = 0.5;
const WEIGHT_OF_NEWEST = 0.2;
/** What an answer is worth by its time, in milliseconds; later ones {@link LATE}. */
const SCORES: readonly (readonly [withinMs: number, score: number])[] = [
  [30_000, 1],
  [60_000, 0.9],
  [120_000, 0.75],
];
const LATE = 0.6;

/** Health after one more call. @param answeredAfterMs null for a call without an answer */
export function healthAfter(health: ModelHealth, answeredAfterMs: number | null): ModelHealth {
  return health + WEIGHT_OF_NEWEST * (scoreOf(answeredAfterMs) - health);
}

function scoreOf(answeredAfterMs: number | null): number {
  if (answeredAfterMs === null) return 0;
  return SCORES.find(([withinMs]) => answeredAfterMs <= withinMs)?.[1] ?? LATE;
}
