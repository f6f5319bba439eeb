import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Stands for the project's Node: prints what it was called with, and behaves as the last argument says. */
const FAKE_NODE = `#!/bin/sh
echo "ran: $*"
echo "in: $PWD"
echo "keeps: $NODE_COMPILE_CACHE"
case "$*" in
  *fail) exit 7 ;;
  *hang) trap 'echo stopped; exit 3' TERM; echo hanging; while :; do sleep 0.05; done ;;
esac
`;

/** Stands for npm: leaves a mark for each run, and installs the fake Node. */
const FAKE_NPM = `#!/bin/sh
echo "$*" >> npm-runs
sleep 0.3
echo "npm talks"
[ -e npm-fails ] && { echo "npm: the registry is closed" >&2; exit 1; }
rm -rf node_modules
mkdir -p node_modules/.bin
cp fake-node node_modules/.bin/node
`;

describe('the launcher of a bare clone', () => {
  let clone: string;
  let calledFrom: string;
  let temporalAddress: string;

  beforeEach(() => {
    temporalAddress = '127.0.0.1:1';
    clone = mkdtempSync(join(tmpdir(), 'muster-clone-'));
    calledFrom = join(clone, 'called-from');
    mkdirSync(calledFrom);
    for (const path of [
      'scripts/launch.mjs',
      'servers/install/temporal-cli/bring-in.mjs',
      'servers/install/temporal-cli/go.mod',
    ]) {
      cpSync(join(ROOT, path), join(clone, path));
    }
    writeFileSync(join(clone, 'package-lock.json'), '{}');
    writeFileSync(join(clone, 'fake-node'), FAKE_NODE, { mode: 0o755 });
    mkdirSync(join(clone, 'bin'));
    writeFileSync(join(clone, 'bin', 'npm'), FAKE_NPM, { mode: 0o755 });
  });

  afterEach(() => rmSync(clone, { recursive: true, force: true }));

  /** As npm does: in the clone, with the folder of the user in a variable. */
  function start(...args: string[]) {
    const environment = {
      ...process.env,
      XDG_CACHE_HOME: join(clone, 'cache'),
      PATH: `${clone}/bin:/usr/bin:/bin`,
      TEMPORAL_ADDRESS: temporalAddress,
    };
    const child = spawn(process.execPath, [join(clone, 'scripts/launch.mjs'), ...args], {
      cwd: clone,
      env: { ...environment, INIT_CWD: calledFrom },
    });
    const seen = { child, output: '', complaint: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      seen.output += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      seen.complaint += chunk.toString('utf8');
    });
    return seen;
  }

  async function run(...args: string[]) {
    const seen = start(...args);
    const [exitCode] = await once(seen.child, 'close');
    return { exitCode, output: seen.output, complaint: seen.complaint };
  }

  const folderOf = (output: string) => /^in: (.*)$/m.exec(output)?.[1];
  const npmRuns = () => readFileSync(join(clone, 'npm-runs'), 'utf8').trim().split('\n').length;

  it('installs once, keeps standard output for the command, and passes its exit code on', async () => {
    const first = await run('muster', 'status', '--json');
    const second = await run('muster', 'fail');

    assert.equal(first.exitCode, 0);
    assert.match(first.output, /^ran: --disable-warning=ExperimentalWarning .*\/cli\.ts status --json\n/);
    assert.match(first.output, /^keeps: .*\/node_modules\/\.cache\/node$/m);
    assert.match(first.complaint, /installing/);
    assert.equal(second.exitCode, 7);
    assert.equal(second.complaint, '');
    assert.equal(npmRuns(), 1);
  });

  it('runs the command where the user called npm, or else where it is itself', async () => {
    const called = await run('start', 'talk.md');
    calledFrom = '';
    const alone = await run('start', 'talk.md');

    assert.equal(folderOf(called.output), join(clone, 'called-from'));
    assert.equal(folderOf(alone.output), clone);
  });

  it('takes what a call of `npm ci` has installed, and nothing that differs from package-lock.json', async () => {
    const zod = { version: '4.0.0', integrity: 'sha512-a' };
    const forMacs = { version: '1.0.0', integrity: 'sha512-b', optional: true };
    const lock = { packages: { '': {}, 'node_modules/zod': zod, 'node_modules/for-macs': forMacs } };
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock));
    const isInstalledAgain = async (packages: object) => {
      rmSync(join(clone, 'node_modules'), { recursive: true, force: true });
      mkdirSync(join(clone, 'node_modules', '.bin'), { recursive: true });
      cpSync(join(clone, 'fake-node'), join(clone, 'node_modules', '.bin', 'node'));
      writeFileSync(join(clone, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
      return (await run('muster', 'status')).complaint.includes('installing');
    };

    assert.equal(await isInstalledAgain({ 'node_modules/zod': zod }), false);
    assert.equal(await isInstalledAgain({ 'node_modules/zod': { ...zod, version: '3.9.0' } }), true);
    assert.equal(await isInstalledAgain({ 'node_modules/zod': { ...zod, integrity: 'sha512-c' } }), true);
    assert.equal(await isInstalledAgain({ 'node_modules/for-macs': forMacs }), true);
  });

  it('installs again when package-lock.json has changed', async () => {
    await run('muster', 'status');
    writeFileSync(join(clone, 'package-lock.json'), '{"changed":true}');

    await run('muster', 'status');

    assert.equal(npmRuns(), 2);
  });

  it('installs for the benchmark, and for nothing else, what it measures against', async () => {
    mkdirSync(join(clone, 'bench'));
    writeFileSync(join(clone, 'bench', 'package-lock.json'), '{}');
    writeFileSync(join(clone, 'bench', 'fake-node'), FAKE_NODE);
    await run('muster', 'status');
    const before = existsSync(join(clone, 'bench', 'node_modules'));

    const first = await run('bench', 'steps');
    const second = await run('bench', 'steps');

    assert.equal(before, false);
    assert.match(first.complaint, /dependencies of bench: installing/);
    assert.match(first.output, /bench\/index\.ts steps\n/);
    assert.equal(second.complaint, '');
    assert.ok(existsSync(join(clone, 'bench', 'node_modules')));
  });

  it('installs once when it is called twice at the same time', async () => {
    const results = await Promise.all([run('muster', 'status'), run('muster', 'status')]);

    assert.deepEqual(
      results.map(({ exitCode }) => exitCode),
      [0, 0],
    );
    assert.equal(npmRuns(), 1);
  });

  it('shows what npm printed when the installation fails, and tries again the next time', async () => {
    writeFileSync(join(clone, 'npm-fails'), '');
    const failed = await run('start');
    rmSync(join(clone, 'npm-fails'));

    const repaired = await run('start');

    assert.equal(failed.exitCode, 1);
    assert.match(failed.complaint, /the registry is closed/);
    assert.equal(failed.output, '');
    assert.match(repaired.output, /cli\.ts start\n/);
  });

  it('brings in a missing Temporal meanwhile', async function () {
    const script = join(clone, 'servers/install/temporal-cli/bring-in.mjs');
    const stand = "Promise.reject(new Error('brings into ' + cacheFolder))";
    writeFileSync(script, readFileSync(script, 'utf8').replace('bringIn(cacheFolder, address)', stand));
    temporalAddress = '';

    const { complaint } = await run('start');

    // One that listens on the usual port is taken to be wanted.
    if (!complaint.includes('Temporal: installing it in parallel with the other steps')) this.skip();
    const log = join(clone, 'cache/muster/temporal/bring-in.log');
    await eventually(() => assert.equal(readFileSync(log, 'utf8'), `brings into ${join(clone, 'cache/muster')}\n`));
  });

  it('passes a signal on to the command and ends as it ends', async () => {
    const seen = start('muster', 'hang');
    await eventually(() => assert.match(seen.output, /hanging/));

    seen.child.kill('SIGTERM');
    const [exitCode] = await once(seen.child, 'close');

    assert.match(seen.output, /stopped/);
    assert.equal(exitCode, 3);
  });

  it('is what a signal to npm reaches: no shell stands in between', async () => {
    cpSync(join(ROOT, 'package.json'), join(clone, 'package.json'));
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(clone, 'package.json'), 'utf8'),
    );
    await run('muster', 'status');
    const shell = spawn('sh', ['-c', `${scripts.muster} hang`], {
      cwd: clone,
      env: { ...process.env, INIT_CWD: clone },
    });
    let output = '';
    shell.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    await eventually(() => assert.match(output, /hanging/));

    shell.kill('SIGTERM');
    const [exitCode] = await once(shell, 'close');

    assert.equal(exitCode, 3);
    assert.match(output, /stopped/);
  });

  it('says which commands there are when it is given another', async () => {
    const { exitCode, complaint } = await run('strat');

    assert.equal(exitCode, 2);
    assert.match(complaint, /expected one of start, muster, test, test-fast, bench, found strat/);
  });
});
