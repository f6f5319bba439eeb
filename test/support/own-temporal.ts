import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { loadConfig } from '../../config.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { ownServersContext, serviceKinds } from '../../servers/start/server-kinds.ts';
import { SEARCH_ATTRIBUTE_SETTINGS } from '../../servers/start/temporal.ts';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { eventually } from './eventually.ts';

/** A Temporal server of a test's own. */
export interface OwnTemporal {
  readonly address: string;
  readonly temporal: TemporalClient;
  /** Kills it, and starts it again with what it had stored. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one. @param suggestAt after so many events it suggests to continue as new */
export async function startTemporal({ suggestAt }: { readonly suggestAt?: number } = {}): Promise<OwnTemporal> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-temporal-'));
  const program = await serviceKinds(ownServersContext(loadConfig({}).services)).temporal.find();
  if (program === null) throw new Error('expected a Temporal to be installed');
  const [port, uiPort] = [await choosePort(null), await choosePort(null)];
  const suggestion = ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestAt}`];
  const options = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', join(folder, 'temporal.db')],
    ...(suggestAt === undefined ? [] : suggestion),
    ...SEARCH_ATTRIBUTE_SETTINGS.flatMap((setting) => ['--search-attribute', setting]),
  ];
  const address = `127.0.0.1:${port}`;
  const start = () => execa(program.path, options, { reject: false, stdio: 'ignore' });
  const connected = () => eventually(() => connectClient({ address, namespace: 'default' }), { withinMs: 30_000 });
  let server = start();
  const temporal = await connected();
  return {
    address,
    temporal,
    async restart() {
      server.kill('SIGKILL');
      await server;
      server = start();
      await (await connected()).close();
    },
    async close() {
      await temporal.close();
      server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
