import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '../../domain/errors.ts';
import type { ScriptedProvider } from '../../providers/scripted/server.ts';
import { readJsonFile } from '../../worker/wire/open-models.ts';
import { thenClose } from '../session.ts';

/** Requests and turns did not go together. */
class ScriptNotPlayed extends MusterError {
  readonly code = 'script_not_played';
  constructor(faults: readonly string[]) {
    super(faults.join(' '), { faults: faults.length });
  }
}

/** Serves the script of a file while the work lasts. @throws ScriptNotPlayed after it, ModelSettingsInvalid before it */
export async function playScript<Result>(
  file: string,
  { port, work }: { readonly port?: number | undefined; readonly work: (playing: Playing) => Promise<Result> },
): Promise<Result> {
  // Loaded here: no other command needs a server.
  const { parseScript } = await import('../../providers/scripted/script.ts');
  const { serveScript } = await import('../../providers/scripted/server.ts');
  const { scriptSettings } = await import('../../providers/scripted/script-settings.ts');
  const script = parseScript(await readJsonFile(file), file);
  const provider = await serveScript(script, { port: port ?? 0 });
  const { baseUrl } = provider;
  const settings = JSON.stringify(scriptSettings(script, baseUrl));
  return thenClose(
    () => work({ baseUrl, settings }),
    () => close(provider),
  );
}

interface Playing {
  readonly baseUrl: string;
  /** The text of a settings file whose models are played by the script. */
  readonly settings: string;
}

async function close(provider: ScriptedProvider): Promise<void> {
  const faults = await provider.close();
  if (faults.length > 0) throw new ScriptNotPlayed(faults);
}

/** Works with variables by which every process finds models that a script plays. @throws what {@link playScript} throws */
export function withScript<Result>(
  file: string,
  work: (variables: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  return playScript(file, {
    async work({ settings }) {
      const folder = await mkdtemp(join(tmpdir(), 'muster-script-'));
      try {
        const path = join(folder, 'models.json');
        await writeFile(path, settings);
        return await work({ MUSTER_MODELS: path });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  });
}
