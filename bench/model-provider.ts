import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { WrittenScript } from '../providers/scripted/script.ts';

/** The variable of the provider's key: a stored key is looked for before. */
export const KEY = { MUSTER_BENCH_KEY: 'bench' };

/** A scripted provider in a process of its own, and settings whose model `default` it is. */
export interface ModelProvider {
  readonly baseUrl: string;
  /** As `MUSTER_MODELS`. */
  readonly settings: string;
  close(): Promise<void>;
}

/** Starts it. */
export async function startModelProvider(script: WrittenScript): Promise<ModelProvider> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const file = join(folder, 'script.json');
  await writeFile(file, JSON.stringify(script));
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
  const child = spawn(process.execPath, [cli, 'models', 'serve-script', file, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { baseUrl } = JSON.parse(line) as { baseUrl: string };
  const settings = join(folder, 'models.json');
  await writeFile(settings, JSON.stringify(settingsFor(baseUrl)));
  return {
    baseUrl,
    settings,
    close: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function settingsFor(baseUrl: string) {
  const prices = { input: 1_000_000, output: 4_000_000 };
  const route = { provider: 'bench', id: 'scripted-1', contextTokens: 100_000, maxOutputTokens: 1_000, prices };
  return { providers: { bench: { baseUrl, key: `env:${Object.keys(KEY)[0]}` } }, models: { default: [route] } };
}
