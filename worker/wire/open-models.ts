import { readFile } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import { errorMessage } from '../../domain/errors.ts';
import { ModelSettingsInvalid } from '../../domain/models/model-errors.ts';
import type { RouteHealth } from '../../domain/models/model-health.ts';
import { type ModelSettings, parseModelSettings } from '../../domain/models/model-settings.ts';
import type { ModelCaller } from '../../providers/model-caller.ts';

/** The settings that `MUSTER_MODELS` names; null where it names none. @throws ModelSettingsInvalid */
export async function readModelSettings({ modelsFile }: Pick<Config, 'modelsFile'>): Promise<ModelSettings | null> {
  return modelsFile === null ? null : parseModelSettings(await readJsonFile(modelsFile), modelsFile);
}

/** @throws ModelSettingsInvalid for a file that cannot be read or is not JSON */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ModelSettingsInvalid(path, [isMissing ? 'there is no such file' : errorMessage(error)]);
  }
}

/**
 * The key that a provider's `key` names among these variables, or null.
 * The function throws ModelSettingsInvalid for a value that no header can carry: the fault of a request would quote it.
 */
export function hostKeyOf(
  settings: ModelSettings | null,
  variables: Readonly<Record<string, string>>,
): (provider: string) => string | null {
  return (provider) => {
    const reference = settings?.providers[provider]?.key ?? 'stored';
    const name = reference.startsWith('env:') ? reference.slice('env:'.length) : '';
    const key = variables[name]?.trim() ?? '';
    if (!/^[\x21-\x7e]*$/.test(key)) {
      throw new ModelSettingsInvalid(`The variable ${name}`, ['a key has printable characters without spaces only']);
    }
    return key === '' ? null : key;
  };
}

/** What calls models in this process; null, and nothing of it loaded, where there are no settings. */
export async function openModels(
  settings: ModelSettings | null,
  onHealth?: (changed: RouteHealth) => void,
): Promise<ModelCaller | null> {
  if (settings === null) return null;
  const { openModelCaller } = await import('../../providers/model-caller.ts');
  return openModelCaller(settings, onHealth);
}
