// The way into a clone: `node scripts/launch.mjs start|muster|test|test-fast|bench …`.
// Plain JavaScript for any Node from 18 on and without dependencies, because it installs them: it makes node_modules
// match package-lock.json and hands over to the project's own Node. Its progress goes to standard error, so that what a
// command prints with --json stays alone on standard output.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BRING_IN, cachedProgram, makeFolder, withLock } from '../servers/install/temporal-cli/bring-in.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
/** The peers that are measured have packages of their own. */
const PEERS = join(ROOT, 'bench');

/** A Temporal server on this port is probably the one to use; a missing one can still be installed later. */
const TEMPORAL_PORT = 7233;

/** What each name runs; only those that start servers need Temporal. */
const COMMANDS = {
  start: { file: 'cli.ts', args: ['start'], needsTemporal: () => true },
  muster: { file: 'cli.ts', args: [], needsTemporal: (args) => args[0] === 'up' || args[0] === 'start' },
  test: { file: 'scripts/test.ts', args: [], needsTemporal: () => true },
  'test-fast': { file: 'scripts/test.ts', args: ['--fast'], needsTemporal: () => false },
  bench: { file: 'bench/index.ts', args: [], needsTemporal: () => true, folders: [ROOT, PEERS] },
};

const say = (text) => process.stderr.write(`${text}\n`);

/** The folder that the program gets from a library, which is not installed yet. */
function cacheFolder() {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'muster');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'muster');
}

/** Whether something listens on this loopback port, such as the containers of compose.yaml. */
function isServed(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 500 });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

const isInstalled = (program) => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;

/**
 * Starts to install Temporal while npm installs; the step that needs it waits under its lock and reports a cache that
 * cannot be written.
 */
function bringInTemporalEarly() {
  const { TEMPORAL_ADDRESS, TEMPORAL_PROFILE } = process.env;
  if (TEMPORAL_ADDRESS || TEMPORAL_PROFILE || existsSync(cachedProgram(cacheFolder())) || isInstalled('temporal'))
    return;
  const log = openLog(join(cacheFolder(), 'temporal'));
  if (log === null) return;
  spawn(process.execPath, [BRING_IN, cacheFolder()], { detached: true, stdio: ['ignore', log, log] }).unref();
  say('Temporal: installing it in parallel with the other steps');
}

function openLog(folder) {
  try {
    makeFolder(folder);
    return openSync(join(folder, 'bring-in.log'), 'a');
  } catch {
    return null;
  }
}

const stampOf = (folder) => join(folder, 'node_modules', '.muster-lock-hash');

const lockHash = (folder) =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');

function isUpToDate(folder) {
  const stamp = stampOf(folder);
  const hasNode = folder !== ROOT || existsSync(join(MODULES, '.bin', 'node'));
  const isStamped = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash(folder);
  return hasNode && (isStamped() || isInstalledByNpm(folder));
}

/**
 * Whether npm has installed all of package-lock.json without this program. npm writes what it has installed when it has
 * come to its end; only packages for other machines, which are optional, are missing there.
 */
function isInstalledByNpm(folder) {
  const installed = packagesIn(join(folder, 'node_modules', '.package-lock.json'));
  const { '': _root, ...locked } = packagesIn(join(folder, 'package-lock.json')) ?? {};
  if (installed === null) return false;
  return Object.entries(locked).every(([path, { version, integrity, optional = false }]) => {
    const found = installed[path];
    return found === undefined ? optional : found.version === version && found.integrity === integrity;
  });
}

/** The packages that a lock file of npm names, by their paths; null where there is no such file. */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** Installs if necessary. Other calls of this clone wait meanwhile, because npm starts by removing everything. */
async function bringDependenciesUpToDate(folder) {
  if (isUpToDate(folder)) return;
  if (!canWriteTo(cacheFolder())) return installDependencies(folder);
  const lock = join(cacheFolder(), `npm-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}.lock`);
  await withLock(lock, async () => {
    if (!isUpToDate(folder)) await installDependencies(folder);
  });
}

async function bringAllUpToDate(folders) {
  for (const folder of folders) await bringDependenciesUpToDate(folder);
}

function canWriteTo(folder) {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Shows npm's output only when it fails. */
async function installDependencies(folder) {
  say(`dependencies${folder === ROOT ? '' : ' of bench'}: installing (npm ci)`);
  rmSync(stampOf(folder), { force: true });
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawn('npm', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk) => {
    output += chunk;
  };
  npm.stdout.on('data', keep);
  npm.stderr.on('data', keep);
  const failure = await new Promise((resolve) => {
    npm.once('error', (error) => resolve(error.message));
    npm.once('close', (code, signal) => resolve(code === 0 ? null : `It ended with ${code ?? signal}.`));
  });
  if (failure === null) {
    writeFileSync(stampOf(folder), lockHash(folder));
    return;
  }
  say(`${output}${failure}`);
  say('dependencies: npm ci failed; its output is above. Correct the cause and run the command again.');
  process.exitCode = 1;
  throw new Error('npm ci failed');
}

/**
 * Runs the command with the project's Node, passes signals on, and ends with its status. npm runs scripts in the
 * project's folder; INIT_CWD is the folder in which the user called it, to which paths and results belong.
 */
function handOver(command, args) {
  const node = join(MODULES, '.bin', 'node');
  const cwd = process.env.INIT_CWD || process.cwd();
  // Node keeps what it has compiled, so that every later command starts in half the time. Two arenas of glibc keep what
  // a worker's many short threads have freed together, which saves it some 20 MB.
  const env = { NODE_COMPILE_CACHE: join(MODULES, '.cache', 'node'), MALLOC_ARENA_MAX: '2', ...process.env };
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];
  // Set before the child starts: a signal in between would end this process and leave the child running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const child = spawn(node, [...flags, join(ROOT, command.file), ...command.args, ...args], {
    cwd,
    env,
    stdio: 'inherit',
  });
  child.once('error', (error) => {
    say(`the project's Node could not be started: ${error.message}. Remove node_modules and run the command again.`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  say(`expected one of ${Object.keys(COMMANDS).join(', ')}, found ${name ?? 'nothing'}.`);
  process.exit(2);
}
if (command.needsTemporal(args) && !(await isServed(TEMPORAL_PORT))) bringInTemporalEarly();
await bringAllUpToDate(command.folders ?? [ROOT]).then(
  () => handOver(command, args),
  (error) => {
    if (process.exitCode !== 1) say(`dependencies: ${error.message}`);
    process.exitCode = 1;
  },
);
