import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, startedAtFromPs } from '../../../servers/find/process-identity.ts';
import { endProcess, launch, signalProcess } from '../../../servers/start/processes.ts';
import { eventually } from '../../support/eventually.ts';

describe('a launched process', () => {
  let folder: string;
  let started: ProcessIdentity[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-process-'));
    started = [];
  });

  afterEach(async () => {
    for (const identity of started) await endProcess(identity, 'SIGKILL', 1_000);
    rmSync(folder, { recursive: true, force: true });
  });

  function run(script: string): ProcessIdentity {
    const logPath = join(folder, 'log');
    const { identity } = launch({ command: '/bin/sh', args: ['-c', script], logPath, cwd: folder, user: null });
    started.push(identity);
    return identity;
  }

  it('is ended by the first signal where it obeys', async () => {
    const identity = run('echo up; exec sleep 60');

    assert.equal(await endProcess(identity, 'SIGTERM', 5_000), true);
    assert.equal(isAlive(identity), false);
  });

  it('is killed where it ignores the first signal', async () => {
    const identity = run("trap '' TERM; echo deaf; while :; do sleep 1; done");
    await eventually(() => assert.match(readFileSync(join(folder, 'log'), 'utf8'), /deaf/));

    assert.equal(await endProcess(identity, 'SIGTERM', 100), true);
    assert.equal(isAlive(identity), false);
  });

  it('is never signalled in place of an earlier process with its number', async () => {
    const identity = run('exec sleep 60');
    const earlier = { ...identity, processStartedAt: 'before that' };

    assert.equal(signalProcess(earlier, 'SIGKILL'), false);
    assert.equal(await endProcess(earlier, 'SIGKILL', 100), true);
    assert.equal(isAlive(identity), true);
  });

  it('is known again without /proc, whatever the time zone and language of the one who asks', () => {
    const identity = run('exec sleep 60');
    const { TZ, LC_ALL } = process.env;
    const seen = [
      { zone: 'Asia/Tokyo', language: 'C' },
      { zone: 'America/New_York', language: 'de_DE.UTF-8' },
    ].map(({ zone, language }) => {
      process.env.TZ = zone;
      process.env.LC_ALL = language;
      return startedAtFromPs(identity.pid);
    });
    for (const [name, value] of Object.entries({ TZ, LC_ALL })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }

    assert.match(seen[0] ?? '', /^\w{3} \w{3} +\d+ [\d:]{8} \d{4}$/);
    assert.equal(seen[1], seen[0]);
    assert.equal(startedAtFromPs(2 ** 30), null);
  });

  it('counts as gone at once where its program is missing', () => {
    const { identity } = launch({
      command: join(folder, 'missing'),
      args: [],
      logPath: join(folder, 'log'),
      cwd: folder,
      user: null,
    });

    assert.equal(isAlive(identity), false);
  });
});
