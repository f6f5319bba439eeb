// Brings the pinned Temporal command line (server and Web UI in one program) into the user's cache:
//   node bring-in.mjs CACHE_FOLDER [DOWNLOAD_ADDRESS]
// It takes the SDK's published download where that is reachable at once, and otherwise builds the module pinned beside
// this file with Go. Plain JavaScript for any Node from 18 on, because a bare clone starts it while its dependencies are
// still being installed. Prints a line per step; exits 0 when the program is in the cache, 1 with the reason on stderr.
import { spawn } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** This file, for a process of its own. */
export const BRING_IN = fileURLToPath(import.meta.url);
const MODULE_FOLDER = dirname(BRING_IN);
const PUBLISHED_DOWNLOADS = 'https://temporal.download/cli';
// Without internet the answer is a refusal or silence; more patience would only delay the build.
const REACH_TIMEOUT_MS = 3_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 20 * 60_000;
const LONGEST_WAIT_MS = 25 * 60_000;
/** Far above the two seconds between a holder's touches, because a busy machine may delay them. */
const HOLDER_SILENCE_MS = 15_000;

const say = (text) => process.stdout.write(`${text}\n`);

/** The version that go.mod pins, such as `1.5.1`. */
export function pinnedVersion() {
  const text = readFileSync(join(MODULE_FOLDER, 'go.mod'), 'utf8');
  const found = /github\.com\/temporalio\/cli v(\S+)/.exec(text);
  if (found === null) throw new Error(`${MODULE_FOLDER}/go.mod does not pin github.com/temporalio/cli.`);
  return found[1];
}

/** The path of the finished program. Its folder appears complete or not at all. */
export function cachedProgram(cacheFolder) {
  return join(cacheFolder, 'temporal', pinnedVersion(), 'temporal');
}

/** Runs a program to its end; rejects with the last lines that it printed, or when it has run for too long. */
function run(command, args, { timeoutMs = DOWNLOAD_TIMEOUT_MS, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    // Node's own timeout outlives a program that could not be started and keeps this process waiting.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const last = output.trim().split('\n').slice(-3).join(' | ');
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args[0]} ended with ${code ?? signal}: ${last}`));
    });
  });
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the lock's holder is gone: it no longer runs, or has not touched the lock, as holders do every two seconds. */
function isAbandoned(path) {
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    const isSilent = Math.abs(Date.now() - statSync(path).mtimeMs) > HOLDER_SILENCE_MS;
    // A number alone proves nothing: the system gives it to another process later.
    return isSilent || (holder > 0 && !isRunning(holder));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

async function acquire(path) {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    else if (Date.now() > deadline) {
      const minutes = Math.round(LONGEST_WAIT_MS / 60_000);
      throw new Error(`another process has held ${path} for ${minutes} minutes; it names process ${readHolder(path)}`);
    } else await pause(200);
  }
}

function readHolder(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : 'none';
}

/**
 * Runs `work` while no other process of this user does, as far as a pid and a touched file can show. It only saves
 * duplicate work: two finished programs are equal, and each appears by one rename.
 */
export async function withLock(path, work, { whileWaiting = (acquired) => acquired } = {}) {
  await whileWaiting(acquire(path));
  const touch = setInterval(() => existsSync(path) && utimesSync(path, new Date(), new Date()), 2_000);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    rmSync(path, { force: true });
  }
}

async function download(draft, address) {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  const platform = { linux: 'linux', darwin: 'darwin' }[process.platform];
  if (arch === undefined || platform === undefined) throw new Error('there is no download for this machine');
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
  const answer = await fetch(`${address}/v${pinnedVersion()}?${query}`, {
    signal: AbortSignal.timeout(REACH_TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`the download's address answered ${answer.status}`);
  const { archiveUrl, fileToExtract } = await answer.json();
  say('downloading the Temporal server');
  const archive = await fetch(archiveUrl, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
  if (!archive.ok || archive.body === null) throw new Error(`the download answered ${archive.status}`);
  const file = join(draft, 'archive.tar.gz');
  await pipeline(Readable.fromWeb(archive.body), createWriteStream(file));
  await run('tar', ['-xzf', file, '-C', draft, fileToExtract]);
  rmSync(file);
  if (fileToExtract !== 'temporal') renameSync(join(draft, fileToExtract), join(draft, 'temporal'));
}

/** Reports every half minute that `work` continues, because silence looks like a hang. */
export async function saying(text, work, { everyMs = 30_000, say: tell = say } = {}) {
  const startedAt = Date.now();
  const timer = setInterval(() => tell(`${text} (${Math.round((Date.now() - startedAt) / 1000)} s so far)`), everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function build(draft) {
  say('building the Temporal server from its pinned Go module (two to four minutes, once; longer on a busy machine)');
  const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', join(draft, 'temporal')];
  const building = run('go', [...args, 'github.com/temporalio/cli/cmd/temporal'], {
    cwd: MODULE_FOLDER,
    timeoutMs: BUILD_TIMEOUT_MS,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' },
  });
  await saying('still building the Temporal server', building);
}

/** Tries the ways in turn; each failure is kept for the sentence at the end. */
async function produce(draft, address) {
  const reasons = [];
  for (const [origin, way] of [
    ['download', () => download(draft, address)],
    ['build', () => build(draft)],
  ]) {
    try {
      await way();
      await run(join(draft, 'temporal'), ['--version']);
      writeFileSync(join(draft, 'origin'), origin);
      return;
    } catch (error) {
      const missingGo = error.code === 'ENOENT' && origin === 'build';
      reasons.push(`${origin}: ${missingGo ? 'no Go is installed' : (error.cause?.message ?? error.message)}`);
    }
  }
  throw new Error(reasons.join('; '));
}

/** Removes drafts of killed processes, which have hundreds of megabytes each. */
function removeDrafts(target) {
  const drafts = readdirSync(dirname(target)).filter((name) => name.startsWith(`${basename(target)}.draft-`));
  for (const name of drafts) rmSync(join(dirname(target), name), { recursive: true, force: true });
}

/**
 * Makes a folder and its parents step by step: with `recursive`, Node tries forever below a folder that accepts none,
 * such as /proc.
 */
export function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

export async function bringIn(cacheFolder, address = PUBLISHED_DOWNLOADS) {
  const target = dirname(cachedProgram(cacheFolder));
  makeFolder(dirname(target));
  const work = async () => {
    removeDrafts(target);
    if (existsSync(cachedProgram(cacheFolder))) return;
    const draft = `${target}.draft-${process.pid}`;
    mkdirSync(draft);
    try {
      await produce(draft, address);
      renameSync(draft, target);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  };
  const whileWaiting = (acquired) => saying('another process is still installing the Temporal server', acquired);
  await withLock(`${target}.lock`, work, { whileWaiting });
}

if (process.argv[1] === BRING_IN) {
  const [cacheFolder, address] = process.argv.slice(2);
  bringIn(cacheFolder, address).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
