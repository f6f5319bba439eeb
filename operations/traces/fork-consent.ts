import { moneyText } from '../../domain/budgets/amounts.ts';
import type { Json } from '../../domain/json.ts';
import { digestOf } from '../digest-of.ts';
import { ConsentRequired } from './fork-errors.ts';
import type { ForkOrigin } from './fork-origin.ts';
import type { ForkCost, Range } from './fork-price.ts';
import type { ForkInput } from './fork-words.ts';

/** What somebody has to agree to, and whether they have. */
export interface Agreed {
  readonly cost: ForkCost;
  readonly effects: readonly string[];
  readonly warnings: readonly string[];
  /** What agrees to the price; null where nothing can be spent. */
  readonly consent: string | null;
  /** @throws ConsentRequired */
  require(): void;
}

interface Weighed extends Pick<Agreed, 'cost' | 'effects' | 'warnings'> {
  readonly origin: ForkOrigin;
  readonly input: ForkInput;
}

/** The consent names the price together with all that it is for: for any other fork, or another price, it does not count. */
export function agreementTo({ origin, input, cost, effects, warnings }: Weighed): Agreed {
  const { trace, head, plan } = origin;
  const { model = null, provider = null, at } = input;
  const agreedTo = { trace: trace.id, at, graph: head.id, model, provider, again: plan.again, cost };
  const consent = cost.spends ? digestOf(agreedTo as unknown as Json) : null;
  return {
    ...{ cost, effects, warnings, consent },
    require: () => {
      const ways = [
        ...(consent === null || input.consent === consent
          ? []
          : [`it may spend ${costText(cost)}, agree with consent ${consent}`]),
        ...(effects.length === 0 || input.effects === 'repeat' ? [] : [effectsText(effects)]),
      ];
      if (ways.length > 0) throw new ConsentRequired({ cost, effects: effects.length, consent }, ways);
    },
  };
}

/** The price in words. */
export function costText({ tokens, costMicros, unpriced }: ForkCost): string {
  const known = `${rangeText(tokens, (count) => count.toLocaleString('en'))} tokens, ${rangeText(costMicros, moneyText)}`;
  return unpriced.length === 0 ? known : `${known}, and an unknown amount in ${unpriced.join(', ')}`;
}

function rangeText({ min, max }: Range, textOf: (value: number) => string): string {
  return min === max ? textOf(min) : `${textOf(min)} to ${textOf(max)}`;
}

function effectsText(effects: readonly string[]): string {
  const count = effects.length === 1 ? '1 recorded effect' : `${effects.length} recorded effects`;
  return `it would make ${count} again, agree with effects "repeat"`;
}
