import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, isAlive, launch, type ProcessIdentity, signalProcess } from '../../services/processes.ts';
import { eventually } from '../support/eventually.ts';

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
