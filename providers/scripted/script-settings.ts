import type { JsonObject } from '../../domain/json.ts';
import type { Script } from './script.ts';

const PROVIDER = 'script';
const DEFAULT_MODEL = 'default';
const LIMITS = { contextTokens: 128_000, maxOutputTokens: 4_000 };
/** 1.00 for a million tokens of input and 4.00 of output, so that budgets of money can be tried. */
const PRICES = { input: 1_000_000, output: 4_000_000 };

/**
 * What a settings file says in which the model `default`, and each one that an expectation of the script names, is played
 * by the script.
 */
export function scriptSettings({ turns }: Script, baseUrl: string): JsonObject {
  const expected = turns.flatMap(({ expect: { model } }) => model ?? []);
  const route = (id: string) => ({ provider: PROVIDER, id, ...LIMITS, prices: PRICES });
  return {
    providers: { [PROVIDER]: { baseUrl, key: 'none' } },
    models: Object.fromEntries([DEFAULT_MODEL, ...expected].map((name) => [name, [route(name)]])),
  };
}
