import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComposeServers } from '../../../servers/find/compose-servers.ts';
import { findConnections } from '../../../servers/find/find-connections.ts';
import { StateFolder } from '../../../servers/find/state-folder.ts';
import { serviceStatuses } from '../../../servers/probe/service-status.ts';
import { startServices, stopServices } from '../../../servers/start/start-services.ts';
import { sharedStack } from '../../support/stack.ts';
import { FakePrograms } from '../fake-programs.ts';
import { emptyConfig } from '../own-state.ts';

const RUNNING = 'printf "postgresql\\nredis\\ntemporal\\n"';

describe('the containers of compose.yaml', function () {
  this.timeout(60_000);
  let programs: FakePrograms;
  let folder: StateFolder;
  let servers: ComposeServers;
  let file: string;
  let reports: string[];

  beforeEach(async () => {
    const { databaseUrl, ownerUrl, redisUrl, temporalAddress, temporalUiUrl } = await sharedStack();
    servers = { databaseUrl, ownerUrl, redisUrl, temporalAddress, temporalUiUrl };
    programs = new FakePrograms();
    folder = new StateFolder(mkdtempSync(join(tmpdir(), 'muster-compose-')));
    file = folder.file('compose.yaml');
    writeFileSync(file, '');
    reports = [];
  });

  afterEach(() => {
    programs.remove();
    rmSync(folder.path, { recursive: true, force: true });
  });

  const config = () => emptyConfig(folder.path);
  const start = (compose: Partial<ComposeServers> = {}) =>
    startServices({
      config: config(),
      report: ({ text }) => void reports.push(text),
      beforeStep: () => {
        throw new Error('a server of its own.');
      },
      compose: { file, servers: { ...servers, ...compose }, timeoutMs: 50 },
    });

  it('are taken with nothing set, by every command from then on, and left by `down`', async () => {
    programs.add('docker', RUNNING);

    const connections = await start();

    assert.deepEqual(connections, { ...servers, temporalConnectionOptions: {} });
    assert.match(reports.join('\n'), /^using the containers of .*compose\.yaml; `muster down` leaves them running$/);
    programs.add('docker', 'exit 1');
    assert.deepEqual(await findConnections(config()), connections);
    assert.ok((await serviceStatuses(config())).every(({ healthy }) => healthy));
    const stopped = await stopServices(config());
    assert.ok(stopped.every(({ source, healthy }) => source === 'environment' && healthy));
    await assert.rejects(findConnections(config()), { code: 'service_not_running' });
  });

  it('are not looked for where Docker does not say that all three run', async () => {
    for (const answer of ['exit 1', 'printf "postgresql\\nredis\\n"']) {
      programs.add('docker', answer);

      await assert.rejects(start(), /a server of its own/);
    }
    assert.equal(existsSync(folder.file('compose.json')), false);
  });

  it('are named with what to do where they run and do not answer, then and later', async () => {
    programs.add('docker', RUNNING);

    await assert.rejects(start({ temporalAddress: '127.0.0.1:1' }), {
      code: 'service_unreachable',
      message: /within 0 s they did not answer .*ECONNREFUSED.*docker compose logs/,
    });

    writeFileSync(folder.file('compose.json'), JSON.stringify({ ...servers, temporalAddress: '127.0.0.1:1' }));
    await assert.rejects(start(), {
      message:
        /\(from compose\.yaml\) is not usable: .*`docker compose up -d --wait`, or leave them with `muster down`/,
    });
  });
});
