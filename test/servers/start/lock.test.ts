import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { withLock } from '../../../servers/start/lock.ts';

describe('the lock of the state folder', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-lock-'));
    path = join(folder, 'set-up.lock');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const options = (onWait: () => void = () => undefined) => ({ path, timeoutMs: 5_000, onWait });

  it('lets one in at a time and tells the others that they wait', async () => {
    let inside = 0;
    let most = 0;
    let waits = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await turn();
      inside -= 1;
    };

    await Promise.all(
      [1, 2, 3].map(() =>
        withLock(
          options(() => (waits += 1)),
          work,
        ),
      ),
    );

    assert.equal(most, 1);
    assert.equal(waits, 2);
    assert.equal(existsSync(path), false);
  });

  it('is taken over from a holder that died', async () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, processStartedAt: 'an earlier process' }));
    let most = 0;
    let inside = 0;

    await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock(options(), async () => {
          inside += 1;
          most = Math.max(most, inside);
          await turn();
          inside -= 1;
        }),
      ),
    );

    assert.equal(most, 1);
  });

  for (const [what, text] of [
    ['is empty', ''],
    ['is cut off', '{"pid":1'],
    ['names no process', '{}'],
  ] as const) {
    it(`is taken over where its file ${what}, by one at a time`, async () => {
      writeFileSync(path, text);
      let inside = 0;
      let most = 0;

      await Promise.all(
        Array.from({ length: 5 }, () =>
          withLock(options(), async () => {
            most = Math.max(most, ++inside);
            await turn();
            inside -= 1;
          }),
        ),
      );

      assert.equal(most, 1);
    });
  }

  it('is taken over although another one died while it took it over', async () => {
    writeFileSync(path, '');
    writeFileSync(`${path}.takeover`, '');
    const tomorrow = new Date(Date.now() + 86_400_000);
    utimesSync(`${path}.takeover`, tomorrow, tomorrow);

    assert.equal(await withLock(options(), async () => 'free'), 'free');
  });

  it('is waited for within bounds, and without blocking, where nobody can take it over', async () => {
    writeFileSync(path, '');
    writeFileSync(`${path}.takeover`, '');
    const late = withLock({ ...options(), timeoutMs: 50 }, async () => undefined);

    await assert.rejects(late, { code: 'service_start_failed', message: /^Another set-up has held .*set-up\.lock/ });
  });

  it('says what is wrong where a folder stands in its place', async () => {
    mkdirSync(path);

    await assert.rejects(
      withLock(options(), async () => undefined),
      { code: 'service_start_failed', message: /set-up\.lock cannot be read .* Remove it if no set-up is running\.$/ },
    );
  });

  it('names the holder when it is not given up in time', async () => {
    await withLock(options(), async () => {
      const late = withLock({ ...options(), timeoutMs: 50 }, async () => undefined);

      await assert.rejects(late, { code: 'service_start_failed', message: new RegExp(`process ${process.pid}`) });
    });
  });

  it('is released when the work fails', async () => {
    const failing = withLock(options(), () => Promise.reject(new Error('no luck')));

    await assert.rejects(failing, /no luck/);
    assert.equal(await withLock(options(), async () => 'free'), 'free');
  });
});
