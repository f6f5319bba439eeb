import { MusterError } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';

/** That who answers a turn hands it to another route. */
export interface Handoff {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

const MOST_REASON = 1_000;

/** What an output of a route hands over: `{ handoff: <route>, reason }`. Null for any other output. */
export function handoffIn(output: Json): Pick<Handoff, 'to' | 'reason'> | null {
  if (!isJsonObject(output) || typeof output.handoff !== 'string') return null;
  const { handoff: to, reason } = output;
  return { to, reason: typeof reason === 'string' ? reason.slice(0, MOST_REASON).toWellFormed() : '' };
}

/**
 * The hand-offs of a turn with a further one.
 * @throws HandoffCycle where it goes back to a route that had the turn before; HandoffUnknown for a route that is not there
 */
export function withHandoff(before: readonly Handoff[], next: Handoff, routes: readonly string[]): readonly Handoff[] {
  if (!routes.includes(next.to)) throw new HandoffUnknown(next, routes);
  const chain = [...before, next];
  const had = [chain[0]?.from, ...before.map(({ to }) => to)];
  if (had.includes(next.to)) throw new HandoffCycle(chain);
  return chain;
}

/** A turn came back to a route that had handed it over, and nobody had said anything new. */
class HandoffCycle extends MusterError {
  readonly code = 'handoff_cycle';

  constructor(chain: readonly Handoff[]) {
    const names = [chain[0]?.from ?? '', ...chain.map(({ to }) => to)];
    const reasons = chain.map(({ from, to, reason }) => `${from} to ${to}: ${reason === '' ? 'no reason' : reason}`);
    super(`The turn was handed round: ${names.join(' → ')}. ${reasons.join('; ')}.`, { chain: names.join(' → ') });
  }
}

class HandoffUnknown extends MusterError {
  readonly code = 'handoff_unknown';

  constructor({ from, to }: Handoff, routes: readonly string[]) {
    super(`${from} handed the turn to "${to}", which is not a route. There are ${routes.join(', ')}.`, { from, to });
  }
}
