import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, existsSync, lstatSync, rmSync } from 'node:fs';
import { access, chmod, mkdtemp, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder, makeFolder } from '../../servers/find/state-folder.ts';

/** The bundle in the package, beside the built files. */
const BUILT = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The sources of workflow code, according to the import table, and the code that bundles them. */
const SOURCES = ['workflows', 'domain', 'worker/bundle'];

/**
 * Finds the workflows' code as one file. A package contains it; a clone bundles once for each state of its sources and
 * keeps the result, because bundling takes seconds and several hundred megabytes. A process of its own does it, since
 * what a thread has used would stay with the worker.
 */
export async function workflowBundlePath(): Promise<string> {
  if (existsSync(BUILT)) return BUILT;
  const folder = await bundleFolder([join(ROOT, 'node_modules', '.cache', 'muster'), join(cacheFolder(), 'workflows')]);
  const path = join(folder, `workflows-${await sourcesHash()}.js`);
  if (!isOwn(path)) await bundle(path);
  return path;
}

/**
 * The first of these folders to which no other user can write, or else a new one under the system's temporary folder.
 * Its content is executed, so other users must not be able to put a file there.
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

/** Whether this exists and belongs to the user of this process. */
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
  // Written aside and renamed: another process that starts now sees the whole file or none.
  const aside = `${path}.${process.pid}`;
  const program = fileURLToPath(new URL('./bundle-process.ts', import.meta.url));
  await promisify(execFile)(process.execPath, [program, aside]);
  await rename(aside, path);
}
