import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

/** The bundle that the package brings along, beside the built files. */
const BUILT = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** What workflow code consists of, as the import table has it, and what bundles it. */
const SOURCES = ['workflows', 'domain', 'worker'];

/**
 * Finds the workflows' code as one file. A package carries it; a clone bundles it once for each state of its sources and
 * keeps it, because bundling takes seconds and several hundred megabytes. It runs in a thread of its own, so that the
 * worker's heap stays small.
 */
export async function workflowBundlePath(): Promise<string> {
  if (existsSync(BUILT)) return BUILT;
  const folder = join(ROOT, 'node_modules', '.cache', 'muster');
  const path = join(await usableFolder(folder), `workflows-${await sourcesHash()}.js`);
  if (!existsSync(path)) await bundle(path);
  return path;
}

async function usableFolder(folder: string): Promise<string> {
  return mkdir(folder, { recursive: true }).then(
    () => folder,
    () => tmpdir(),
  );
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const folder of SOURCES) {
    const names = await readdir(join(ROOT, folder), { recursive: true });
    for (const name of names.filter((file) => /\.[jt]s$/.test(file)).sort()) {
      hash.update(name).update(await readFile(join(ROOT, folder, name)));
    }
  }
  hash.update(await readFile(join(ROOT, 'package.json')));
  return hash.digest('hex').slice(0, 16);
}

async function bundle(path: string): Promise<void> {
  const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
  const code = await new Promise<string>((resolve, reject) => {
    const thread = new Thread(new URL('./bundle-thread.ts', import.meta.url), { workerData: { workflowsPath } });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (status) => reject(new Error(`Bundling the workflows stopped with status ${status}.`)));
  });
  // Written aside and renamed: another process that starts now sees the whole file or none.
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, code);
  await rename(aside, path);
}
