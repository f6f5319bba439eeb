/** How much of the traffic a canary gets, and what closes it. */
export interface CanaryRules {
  /** Of a hundred samples so many get the canary: 0 to 100. */
  readonly percent: number;
  /** Routes that may get it at all. @defaultValue every route */
  readonly routes?: readonly string[];
}

/** The error budget of a canary. */
export interface CanaryBudget {
  /** How many of the last outcomes count: 10 to 1,000. */
  readonly window: number;
  /** How many outcomes there must be before they are judged: 1 to 1,000. */
  readonly minimum: number;
  /** The share of failures above which the canary closes: 0 to 1. */
  readonly failureRate: number;
  /** How long it is closed then: 1 to 86,400. */
  readonly cooldownSeconds: number;
}

export const CANARY_BUDGET: CanaryBudget = { window: 250, minimum: 50, failureRate: 0.2, cooldownSeconds: 300 };

/** Why a trace gets the canary, or does not. */
export type CanaryReason =
  | 'allowed'
  | 'disabled'
  | 'route_not_allowlisted'
  | 'out_of_rollout_sample'
  | 'error_budget_cooldown';

/** Whether the canary is used, and why. */
export interface CanaryDecision {
  readonly allowed: boolean;
  readonly reason: CanaryReason;
  /** The place of this trace between 0 and 100. */
  readonly sample: number;
}

/** The place of a trace between 0 and 100, with two digits: the same for the same trace, wherever it is worked out. */
export function sampleOf(tenant: string, route: string, traceId: string): number {
  return (fnv1a(`${tenant}:${route}:${traceId}`) % 10_000) / 100;
}

/** FNV-1a of 32 bits over the UTF-8 bytes of a text. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Whether a trace gets the canary. @param isCooling whether its error budget is used up at this moment */
export function decideCanary(
  { percent, routes }: CanaryRules,
  { route, sample, isCooling }: { readonly route: string; readonly sample: number; readonly isCooling: boolean },
): CanaryDecision {
  const reason = ((): CanaryReason => {
    if (percent <= 0) return 'disabled';
    if (routes !== undefined && !routes.includes(route)) return 'route_not_allowlisted';
    if (sample >= percent) return 'out_of_rollout_sample';
    return isCooling ? 'error_budget_cooldown' : 'allowed';
  })();
  return { allowed: reason === 'allowed', reason, sample };
}

/** The last outcomes of a canary, oldest first: `0` for one that was well, `1` for a failure. */
export type Outcomes = string;

/**
 * Adds an outcome. Where the budget is used up, the outcomes begin anew: after the cooldown the canary is judged by what
 * it does then.
 */
export function noteOutcome(
  outcomes: Outcomes,
  isFailure: boolean,
  { window, minimum, failureRate }: CanaryBudget,
): { readonly outcomes: Outcomes; readonly closes: boolean } {
  const kept = `${outcomes}${isFailure ? '1' : '0'}`.slice(-window);
  const closes = kept.length >= minimum && failuresOf(kept) / kept.length > failureRate;
  return { outcomes: closes ? '' : kept, closes };
}

export function failuresOf(outcomes: Outcomes): number {
  return outcomes.replaceAll('0', '').length;
}
