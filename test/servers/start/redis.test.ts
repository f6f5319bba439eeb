import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureRedisPassword, ownRedisUrl, redisPassword, redisUrl } from '../../../servers/find/own-addresses.ts';
import { StateFolder } from '../../../servers/find/state-folder.ts';
import { findRedis } from '../../../servers/install/redis-program.ts';
import { probeRedis } from '../../../servers/probe/probes.ts';
import { choosePort } from '../../../servers/start/ports.ts';
import { endProcess } from '../../../servers/start/processes.ts';
import { launchRedis } from '../../../servers/start/redis.ts';
import { eventually } from '../../support/eventually.ts';

describe('the Redis that Muster starts', () => {
  let state: StateFolder;

  beforeEach(() => {
    // A name that would break settings which are not quoted.
    state = new StateFolder(join(mkdtempSync(join(tmpdir(), 'muster-redis-')), 'state "of" ünïcode \\ folders'));
    state.create();
  });

  afterEach(() => rmSync(dirname(state.path), { recursive: true, force: true }));

  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it('answers only with its password, which no other user can read from files or the list of processes', async function () {
    const program = await findRedis();
    if (program === null) this.skip();
    const secrets = state.file('redis.secrets.json');
    const password = ensureRedisPassword(secrets);
    const port = await choosePort(null);
    const dataFolder = state.file('redis');
    mkdirSync(dataFolder);
    const plan = { program, port, logPath: state.logPath('redis'), dataFolder, user: null };

    const { identity } = launchRedis(plan, password);

    try {
      await eventually(() => probeRedis(ownRedisUrl(state, port)));
      await assert.rejects(probeRedis(redisUrl(port, null)), /NOAUTH/);
      assert.doesNotMatch(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), new RegExp(password));
      assert.deepEqual([modeOf(secrets), modeOf(join(dataFolder, 'redis.conf'))], [0o600, 0o600]);
    } finally {
      await endProcess(identity, 'SIGTERM', 2_000);
    }
  });

  it('keeps its password, and has none as long as one runs that an older Muster started', () => {
    const secrets = state.file('redis.secrets.json');
    assert.equal(redisPassword(secrets), null);
    assert.equal(ownRedisUrl(state, 6379), 'redis://127.0.0.1:6379');

    const password = ensureRedisPassword(secrets);

    assert.equal(ensureRedisPassword(secrets), password);
    assert.equal(ownRedisUrl(state, 6379), `redis://:${password}@127.0.0.1:6379`);
  });
});
