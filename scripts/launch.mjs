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
import { cachedProgram, makeFolder, withLock } from '../servers/install/temporal-cli/bring-in.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.muster-lock-hash');

/** Whoever has a Temporal here may want that one; a missing one is brought in later as well. */
const TEMPORAL_PORT = 7233;

/** What each name runs; only those that start servers need Temporal. */
const COMMANDS = {
  start: { file: 'cli.ts', args: ['start'], needsTemporal: () => true },
  muster: { file: 'cli.ts', args: [], needsTemporal: (args) => args[0] === 'up' || args[0] === 'start' },
  test: { file: 'scripts/test.ts', args: [], needsTemporal: () => true },
  'test-fast': { file: 'scripts/test.ts', args: ['--fast'], needsTemporal: () => false },
  bench: { file: 'bench/index.ts', args: [], needsTemporal: () => true },
};

const say = (text) => process.stderr.write(`${text}\n`);

/** The same folder that the program takes from its library, which is not installed yet. */
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
 * Starts bringing in Temporal beside the installation; the step that needs it waits for it under its lock. A cache that
 * cannot be written is reported there.
 */
function bringInTemporalEarly() {
  const { TEMPORAL_ADDRESS, TEMPORAL_PROFILE } = process.env;
  if (TEMPORAL_ADDRESS || TEMPORAL_PROFILE || existsSync(cachedProgram(cacheFolder())) || isInstalled('temporal'))
    return;
  const log = openLog(join(cacheFolder(), 'temporal'));
  if (log === null) return;
  const script = join(ROOT, 'services', 'temporal-cli', 'bring-in.mjs');
  spawn(process.execPath, [script, cacheFolder()], { detached: true, stdio: ['ignore', log, log] }).unref();
  say('Temporal: bringing it in beside the other steps');
}

function openLog(folder) {
  try {
    makeFolder(folder);
    return openSync(join(folder, 'bring-in.log'), 'a');
  } catch {
    return null;
  }
}

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');

function isUpToDate() {
  return existsSync(join(MODULES, '.bin', 'node')) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash();
}

/** Installs where that is needed; whoever calls this clone meanwhile waits, since npm begins by removing everything. */
async function bringDependenciesUpToDate() {
  if (isUpToDate()) return;
  if (!canWriteTo(cacheFolder())) return installDependencies();
  const lock = join(cacheFolder(), `npm-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}.lock`);
  await withLock(lock, async () => {
    if (!isUpToDate()) await installDependencies();
  });
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

/** Its output is shown only when it fails: on success it says nothing that a reader needs. */
async function installDependencies() {
  say('dependencies: installing (npm ci)');
  rmSync(STAMP, { force: true });
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
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
    writeFileSync(STAMP, lockHash());
    return;
  }
  say(`${output}${failure}`);
  say('dependencies: npm ci failed; its output is above. Correct the cause and run the command again.');
  process.exitCode = 1;
  throw new Error('npm ci failed');
}

/**
 * Runs the command with the project's Node, passes signals on, and ends as it ends. npm runs scripts in the project's
 * folder; INIT_CWD is where the user called it, where paths on the command line begin and results belong.
 */
function handOver(command, args) {
  const node = join(MODULES, '.bin', 'node');
  const cwd = process.env.INIT_CWD || process.cwd();
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];
  // Before the child is there: a signal in between would end this process alone and leave the child running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const child = spawn(node, [...flags, join(ROOT, command.file), ...command.args, ...args], { cwd, stdio: 'inherit' });
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
await bringDependenciesUpToDate().then(
  () => handOver(command, args),
  (error) => {
    if (process.exitCode !== 1) say(`dependencies: ${error.message}`);
    process.exitCode = 1;
  },
);
