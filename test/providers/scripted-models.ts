import type { FindKey, ModelRequest } from '../../domain/models/model-messages.ts';
import { type ModelSettings, parseModelSettings } from '../../domain/models/model-settings.ts';
import type { ModelCall } from '../../providers/model-caller.ts';
import { parseScript, type WrittenScript } from '../../providers/scripted/script.ts';
import { type ScriptedProvider, serveScript } from '../../providers/scripted/server.ts';

/** Not a key: no provider knows it, and no log, error or row may hold it. */
export const CANARY_KEY = 'sk-canary-7f31c2a9';

const open: ScriptedProvider[] = [];

/** Closes what {@link scripted} opened since the last time, and forgets its faults. */
export async function closeScripted(): Promise<void> {
  await Promise.all(open.splice(0).map((provider) => provider.close()));
}

export async function scripted(...turns: WrittenScript['turns']): Promise<ScriptedProvider> {
  const provider = await serveScript(parseScript({ turns }));
  open.push(provider);
  return provider;
}

/** Settings with the model `default` at these base URLs, tried in this order as `p1`, `p2` … */
export function settingsFor(...baseUrls: readonly string[]): ModelSettings {
  const prices = { input: 1_000_000, cached: 100_000, output: 4_000_000 };
  const route = { id: 'scripted-1', contextTokens: 100_000, maxOutputTokens: 1_000, prices };
  return parseModelSettings({
    providers: Object.fromEntries(baseUrls.map((baseUrl, index) => [`p${index + 1}`, { baseUrl }])),
    models: { default: baseUrls.map((_, index) => ({ provider: `p${index + 1}`, ...route })) },
  });
}

export function request(fields: Partial<ModelRequest> = {}): ModelRequest {
  return { model: 'default', messages: [{ role: 'user', text: 'Hello' }], tools: [], output: null, ...fields };
}

const findKey: FindKey = async () => ({ key: CANARY_KEY, source: 'tenant' });

export function call(fields: Partial<ModelCall> = {}): ModelCall {
  return { tenant: 'acme', user: null, signal: new AbortController().signal, findKey, ...fields };
}
