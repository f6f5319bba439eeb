import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../../servers/find/process-identity.ts';
import { StateFolder } from '../../../servers/find/state-folder.ts';
import { bringInTemporal } from '../../../servers/install/temporal-program.ts';
import { SET_UP_STEPS, type ServicesConfig, type SetUpStep } from '../../../servers/services.ts';
import { bringUpAll } from '../../../servers/start/bring-up.ts';
import { choosePort } from '../../../servers/start/ports.ts';
import { endProcess, launch } from '../../../servers/start/processes.ts';
import type { ServersContext, ServiceKind } from '../../../servers/start/server-kinds.ts';

const CONFIG: ServicesConfig = {
  stateDir: null,
  databaseUrl: null,
  ownerUrl: null,
  redisUrl: null,
  temporalAddress: null,
  temporalNamespace: 'default',
  temporalUiUrl: null,
  noInstall: true,
  allowUpgrade: false,
};

describe('bringing up one service', () => {
  let folder: StateFolder;
  let context: ServersContext;
  let calls: string[];
  let reports: string[];

  beforeEach(() => {
    folder = new StateFolder(mkdtempSync(join(tmpdir(), 'muster-bring-up-')));
    folder.create();
    calls = [];
    reports = [];
    context = { ...CONFIG, folder, cacheFolder: folder.path, durability: 'fast', namespace: 'default' };
  });

  afterEach(async () => {
    const record = folder.records().redis;
    if (record !== undefined) await endProcess(record, 'SIGKILL', 1_000);
    rmSync(folder.path, { recursive: true, force: true });
  });

  /** A service whose server is a sleeping process, and whose program must be installed. */
  function sleeper(changes: Partial<ServiceKind> = {}): ServiceKind {
    const program = { path: '/bin/sh', source: 'package manager' as const, version: '1' };
    return {
      name: 'redis',
      usualPorts: { port: 0, uiPort: null },
      stopSignal: 'SIGTERM',
      answerTimeoutMs: 200,
      remedy: 'Install the sleeper.',
      find: async () => null,
      install: async () => program,
      plan: (found, { port }) => {
        const logPath = folder.logPath('redis');
        return { program: found, port, logPath, dataFolder: folder.path, user: null };
      },
      initialize: async () => void calls.push('initialize'),
      launch: (plan) => {
        calls.push('launch');
        return launch({
          command: '/bin/sh',
          args: ['-c', 'exec sleep 60'],
          logPath: plan.logPath,
          cwd: '/',
          user: null,
        });
      },
      answer: async () => undefined,
      prepare: async () => void calls.push('prepare'),
      ...changes,
    };
  }

  async function attempt(kind: ServiceKind, failing?: SetUpStep): Promise<void> {
    const beforeStep = (_: string, step: SetUpStep) => {
      if (step === failing) throw new Error('injected fault.');
    };
    const report = ({ text }: { text: string }) => void reports.push(text);
    const [result] = await bringUpAll([kind], { config: CONFIG, context, report, beforeStep });
    if (result?.status === 'rejected') throw result.reason;
  }

  for (const step of SET_UP_STEPS) {
    it(`C083: stays not ready when its step "${step}" fails, says so, and continues from there the next time`, async () => {
      await assert.rejects(attempt(sleeper(), step), {
        code: 'service_start_failed',
        message: new RegExp(`^Redis is not ready, its step "${step}" failed: injected fault\\.`),
      });
      assert.notEqual(folder.records().redis?.ready, true);

      await attempt(sleeper());

      const record = folder.records().redis;
      assert.ok(record?.ready && isAlive(record));
      assert.equal(record.source, 'package manager');
    });
  }

  it('leaves a service alone that is ready', async () => {
    await attempt(sleeper());
    const first = folder.records().redis?.pid;

    await attempt(sleeper());

    assert.equal(folder.records().redis?.pid, first);
    assert.deepEqual(calls, ['initialize', 'launch', 'prepare']);
  });

  it('starts a server of ours again whose program was replaced on disk, and leaves it alone otherwise', async () => {
    const program = { path: join(folder.path, 'program'), source: 'installed' as const, version: '1' };
    writeFileSync(program.path, 'before');
    await attempt(sleeper({ find: async () => program }));
    const before = folder.records().redis;
    assert.ok(before !== undefined);

    writeFileSync(program.path, 'after it');
    await attempt(sleeper({ find: async () => program }));
    await attempt(sleeper({ find: async () => program }));

    const after = folder.records().redis;
    assert.ok(after?.ready && isAlive(after));
    assert.ok(!isAlive(before));
    assert.deepEqual(
      reports.filter((text) => /replaced/.test(text)),
      ['its program was replaced on disk since it started; restarting it'],
    );
    assert.deepEqual(calls.filter((call) => call === 'launch').length, 2);
  });

  it('installs for all of them before it starts any', async () => {
    const slow = sleeper({
      name: 'temporal',
      install: async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        calls.push('installed');
        return { path: '/bin/sh', source: 'build', version: '1' };
      },
    });
    const report = () => undefined;

    await bringUpAll([sleeper(), slow], { config: CONFIG, context, report, beforeStep: () => undefined });

    await endProcess(folder.records().temporal ?? { pid: 0, processStartedAt: '' }, 'SIGKILL', 1_000);
    assert.equal(calls[0], 'installed');
    assert.equal(calls.filter((call) => call === 'launch').length, 2);
  });

  it('starts nothing while another project of the same user starts its servers: a free port would be taken twice', async () => {
    let starting = 0;
    let most = 0;
    const kind = () =>
      sleeper({
        launch: (plan) => {
          starting += 1;
          most = Math.max(most, starting);
          return sleeper().launch(plan, { port: 0, uiPort: null });
        },
        prepare: async () => {
          starting -= 1;
        },
      });
    const other = new StateFolder(join(folder.path, 'other'));
    other.create();
    const options = { config: CONFIG, report: () => undefined, beforeStep: () => undefined };

    const results = await Promise.all(
      [folder, other].map((own) => bringUpAll([kind()], { ...options, context: { ...context, folder: own } })),
    );

    const record = other.records().redis;
    if (record !== undefined) await endProcess(record, 'SIGKILL', 1_000);
    assert.ok(results.flat().every(({ status }) => status === 'fulfilled'));
    assert.equal(most, 1);
  });

  it('says what to install where the program can neither be found nor installed', async () => {
    const install = () => Promise.reject(new Error('MUSTER_NO_INSTALL=1 forbids it.'));

    await assert.rejects(attempt(sleeper({ install })), {
      message: 'Redis is not ready, its step "install" failed: MUSTER_NO_INSTALL=1 forbids it. Install the sleeper.',
    });
  });

  it('names the cache folder where it is the cause, and not a program that is there', async function () {
    if (process.platform !== 'linux') this.skip();

    await assert.rejects(attempt(sleeper({ install: (announce) => bringInTemporal('/proc/nope', announce) })), {
      code: 'folder_unusable',
      message: /^The folder \/proc\/nope\/temporal cannot be used: .* Set XDG_CACHE_HOME to a folder/,
    });
  });

  it('keeps its port after it was stopped, and says who must start again where it is taken', async () => {
    const usual = await choosePort(null);
    const startAndStop = async () => {
      await attempt(sleeper({ usualPorts: { port: usual, uiPort: null } }));
      const record = folder.records().redis;
      assert.ok(record !== undefined);
      await endProcess(record, 'SIGKILL', 1_000);
      folder.remember('redis', null);
      return record.port;
    };
    const taken = createServer().listen(usual, '127.0.0.1');
    await once(taken, 'listening');
    const first = await startAndStop();
    taken.close();
    const second = await startAndStop();
    const other = createServer().listen(first, '127.0.0.1');
    await once(other, 'listening');

    const third = await startAndStop();

    other.close();
    assert.notEqual(first, usual);
    assert.equal(second, first);
    assert.notEqual(third, first);
    assert.deepEqual(
      reports.filter((text) => /last port/.test(text)),
      [`its last port ${first} is taken by another program; workers and clients that still run must be started again`],
    );
  });

  it('ends a server that never answers, and quotes its log', async () => {
    const kind = sleeper({
      answer: () => Promise.reject(new Error('nobody there')),
      launch: (plan) => {
        const args = ['-c', 'echo "FATAL: the disk is full"; echo "good night"; exec sleep 60'];
        return launch({ command: '/bin/sh', args, logPath: plan.logPath, cwd: '/', user: null });
      },
    });

    await assert.rejects(attempt(kind), (error: Error) => {
      assert.match(error.message, /nobody there/);
      assert.match(error.message, /redis\.log says last: FATAL: the disk is full/);
      return true;
    });
    const record = folder.records().redis;
    assert.ok(record !== undefined && !isAlive(record));
  });

  it('reports a server whose process ends at once without waiting for the time-out', async () => {
    const kind = sleeper({
      answerTimeoutMs: 60_000,
      answer: () => Promise.reject(new Error('nobody there')),
      launch: (plan) => launch({ command: '/bin/false', args: [], logPath: plan.logPath, cwd: '/', user: null }),
    });

    await assert.rejects(attempt(kind), /its process ended at once/);
  });
});
