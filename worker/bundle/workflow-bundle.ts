import { createHash } from 'node:crypto';
import { constants, existsSync, lstatSync, rmSync } from 'node:fs';
import { access, chmod, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import { cacheFolder, makeFolder } from '../../servers/find/state-folder.ts';

/** The bundle that the package brings along, beside the built files. */
const BUILT = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What workflow code consists of, as the import table has it, and what bundles it. */
const SOURCES = ['workflows', 'domain', 'worker/bundle'];

/**
 * Finds the workflows' code as one file. A package carries it; a clone bundles it once for each state of its sources and
 * keeps it, because bundling takes seconds and several hundred megabytes. It runs in a thread of its own, so that the
 * worker's heap stays small.
 */
export async function workflowBundlePath(): Promise<string> {
  if (existsSync(BUILT)) return BUILT;
  const folder = await bundleFolder([join(ROOT, 'node_modules', '.cache', 'muster'), join(cacheFolder(), 'workflows')]);
  const path = join(folder, `workflows-${await sourcesHash()}.js`);
  if (!isOwn(path)) await bundle(path);
  return path;
}

/**
 * The first of these folders that nobody else can write to, or else a new one under the system's temporary folder. What
 * lies in it is run, so a place where another user could put a file of the expected name is no place for it.
 */
export async function bundleFolder(candidates: readonly string[]): Promise<string> {
  for (const folder of candidates) if (await makePrivate(folder)) return folder;
  temporary ??= temporaryFolder();
  return temporary;
}

let temporary: Promise<string> | null = null;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-workflows-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function makePrivate(folder: string): Promise<boolean> {
  try {
    makeFolder(folder);
    if (!isOwn(folder)) return false;
    await chmod(folder, 0o700);
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether this is there and belongs to the user of this process. */
function isOwn(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === (process.getuid?.() ?? 0);
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
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
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
