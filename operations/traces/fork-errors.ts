import { MusterError } from '../../domain/errors.ts';
import type { ForkCost } from './fork-price.ts';

/** There is nothing at this point from which a task could be continued. Nothing was written. */
export class ForkPointUnknown extends MusterError {
  readonly code = 'fork_point_unknown';
  constructor(at: string, fault: string) {
    super(`The task cannot be forked at ${JSON.stringify(at)}: ${fault}`, { at });
  }
}

/** What somebody has to agree to before a task is forked. */
export interface Asked {
  readonly cost: ForkCost;
  /** How many effects would be made again without a word for it. */
  readonly effects: number;
  /** What is to be handed in to agree to the cost; null where it costs nothing. */
  readonly consent: string | null;
}

/** The fork may spend, or make effects a second time, and nobody has agreed to it. Nothing was written. */
export class ConsentRequired extends MusterError {
  readonly code = 'consent_required';
  constructor({ cost, effects, consent }: Asked, ways: readonly string[]) {
    const { tokens, costMicros } = cost;
    super(`The fork was not made: ${ways.join('; ')}.`, {
      ...{ consent, effects, minTokens: tokens.min, maxTokens: tokens.max },
      ...{ minCostMicros: costMicros.min, maxCostMicros: costMicros.max },
    });
  }
}
