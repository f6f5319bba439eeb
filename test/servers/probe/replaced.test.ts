import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../../servers/find/process-identity.ts';
import { findRedis } from '../../../servers/install/redis-program.ts';
import { checkConfigured } from '../../../servers/probe/configured.ts';
import { probeRedis } from '../../../servers/probe/probes.ts';
import { findPostmaster, replacedSentence } from '../../../servers/probe/replaced.ts';
import { choosePort } from '../../../servers/start/ports.ts';
import { endProcess, launch } from '../../../servers/start/processes.ts';
import { eventually } from '../../support/eventually.ts';
import { sharedStack } from '../../support/stack.ts';
import { emptyConfig } from '../own-state.ts';

describe('the process of a configured PostgreSQL', () => {
  it('is the whole server, which outlives the connection that asked for it', async () => {
    const { databaseUrl, folder } = await sharedStack();

    const { pid, version } = await findPostmaster(databaseUrl);

    assert.equal(pid, Number(readFileSync(join(folder, 'postgresql.pid'), 'utf8')));
    assert.match(version, /^\d+\.\d+$/);
  });
});

describe('a configured server whose program was replaced on disk', () => {
  let folder: string;
  let server: ProcessIdentity | null = null;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-replaced-'));
  });

  afterEach(async () => {
    if (server !== null) await endProcess(server, 'SIGKILL', 1_000);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is named, with its process and what to do', async function () {
    const found = await findRedis();
    if (found === null || process.platform !== 'linux') this.skip();
    const program = join(folder, 'redis-server');
    copyFileSync(found.path, program);
    const port = await choosePort(null);
    const args = ['--port', String(port), '--save', '', '--bind', '127.0.0.1'];
    server = launch({ command: program, args, logPath: join(folder, 'log'), cwd: folder, user: null }).identity;
    const config = { ...emptyConfig(folder), redisUrl: `redis://127.0.0.1:${port}` };
    await eventually(() => probeRedis(config.redisUrl));
    assert.equal(await replacedSentence(config, 'redis'), null);

    rmSync(program);
    copyFileSync(found.path, program);

    assert.match(
      (await replacedSentence(config, 'redis')) ?? '',
      new RegExp(`replaced on disk after it had started \\(process ${server.pid}, .*restart this server$`),
    );
    assert.match(await checkConfigured(config, 'redis'), /^version .*; its program was replaced on disk/);
  });
});
