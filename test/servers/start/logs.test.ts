import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shortenLog } from '../../../servers/start/logs.ts';
import { endProcess, launch } from '../../../servers/start/processes.ts';
import { eventually } from '../../support/eventually.ts';

describe('the log of a server that Muster starts', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-logs-'));
    path = join(folder, 'server.log');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('begins anew when it is too large, while its server continues writing, and its end is kept', async () => {
    const script = 'seq 1 2000; while [ ! -e go ]; do sleep 0.01; done; echo later; exec sleep 60';
    const { identity } = launch({
      command: '/bin/sh',
      args: ['-c', script],
      logPath: path,
      cwd: folder,
      user: null,
    });
    await eventually(() => assert.match(readFileSync(path, 'utf8'), /^2000$/m));

    shortenLog(path, 1_000);
    assert.equal(statSync(path).size, 0);
    writeFileSync(join(folder, 'go'), '');

    await eventually(() => assert.equal(readFileSync(path, 'utf8'), 'later\n'));
    assert.equal(statSync(`${path}.1`).size, 1_000);
    assert.match(readFileSync(`${path}.1`, 'utf8'), /\n2000\n$/);
    await endProcess(identity, 'SIGKILL', 1_000);
  });

  it('is left alone as long as it is short, and where there is none', () => {
    writeFileSync(path, 'short');

    shortenLog(path, 1_000);
    shortenLog(join(folder, 'missing.log'), 1_000);

    assert.equal(readFileSync(path, 'utf8'), 'short');
    assert.equal(existsSync(`${path}.1`), false);
  });
});
