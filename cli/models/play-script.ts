import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '../../domain/errors.ts';
import { ModelSettingsInvalid } from '../../domain/models/model-errors.ts';
import type { Script } from '../../providers/scripted/script.ts';
import { readJsonFile } from '../../worker/wire/open-models.ts';
import { WrongUsage } from '../cli-errors.ts';
import { thenClose } from '../session.ts';

/** Requests and turns did not go together. */
class ScriptNotPlayed extends MusterError {
  readonly code = 'script_not_played';
  constructor(faults: readonly string[]) {
    super(faults.join(' '), { faults: faults.length });
  }
}

interface Playing {
  readonly baseUrl: string;
  /** The text of a settings file whose models are played by the script. */
  readonly settings: string;
}

interface Play<Result> {
  /** @defaultValue a free one */
  readonly port?: number | undefined;
  readonly work: (playing: Playing) => Promise<Result>;
  /** Whether work with this result should have played the whole script. */
  readonly plays: (result: Result) => boolean;
}

/** Serves the script of a file while the work lasts. @throws ScriptNotPlayed after it, WrongUsage before it */
export async function playScript<Result>(file: string, { port = 0, work, plays }: Play<Result>): Promise<Result> {
  // Loaded here: no other command needs a server.
  const { serveScript } = await import('../../providers/scripted/server.ts');
  const { scriptSettings } = await import('../../providers/scripted/script-settings.ts');
  const script = await readScript(file);
  const provider = await serveScript(script, { port });
  const { baseUrl } = provider;
  let faults: readonly string[] = [];
  const result = await thenClose(
    () => work({ baseUrl, settings: JSON.stringify(scriptSettings(script, baseUrl)) }),
    async () => {
      faults = await provider.close();
    },
  );
  if (faults.length > 0 && plays(result)) throw new ScriptNotPlayed(faults);
  return result;
}

async function readScript(file: string): Promise<Script> {
  const { parseScript } = await import('../../providers/scripted/script.ts');
  try {
    return parseScript(await readJsonFile(file), file);
  } catch (error) {
    throw error instanceof ModelSettingsInvalid ? new WrongUsage(error.message) : error;
  }
}

/**
 * Runs a program with variables by which it finds models that a script plays. One that fails says why itself: then nobody
 * asks which turns it has not come to.
 * @returns its exit code @throws what {@link playScript} throws
 */
export function withScript(
  file: string,
  run: (variables: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  return playScript(file, {
    plays: (exitCode) => exitCode === 0,
    async work({ settings }) {
      const folder = await mkdtemp(join(tmpdir(), 'muster-script-'));
      try {
        const path = join(folder, 'models.json');
        await writeFile(path, settings);
        return await run({ MUSTER_MODELS: path });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  });
}
