import assert from 'node:assert/strict';
import { z } from 'zod';
import { loadConfig } from '../../../config.ts';
import { connect, defineAgent } from '../../../index.ts';
import { findConnections } from '../../../servers/find/find-connections.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { prepareInstallation } from '../../../worker/wire/prepare-installation.ts';
import { startWorker } from '../../../worker.ts';
import { type ClonedDatabase, createEmptyDatabase } from '../../support/databases.ts';
import { eventually } from '../../support/eventually.ts';
import { cloneDatabase, redisPrefix, type Stack, sharedStack, taskQueueName } from '../../support/stack.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { scriptedGraphs } from './graphs.ts';
import { Script } from './script.ts';
import { ended } from './views.ts';

const FIRST_MIGRATION = '20261122_190000_task_tables';

type Environment = Record<string, string>;

describe('the start of a worker', () => {
  const { single } = scriptedGraphs(new Script());
  let stack: Stack;
  let clone: ClonedDatabase;
  let empty: ClonedDatabase;
  let closed: TcpProxy;
  let usual: Environment;

  before(async () => {
    stack = await sharedStack();
    [clone, empty] = await Promise.all([cloneDatabase(stack, 'start-up'), createEmptyDatabase(stack, 'start-up')]);
    closed = await startProxy({ targetPort: 1, mode: 'refuse' });
    usual = {
      MUSTER_DATABASE_URL: clone.databaseUrl,
      MUSTER_DATABASE_OWNER_URL: clone.ownerUrl,
      MUSTER_REDIS_URL: stack.redisUrl,
      MUSTER_REDIS_PREFIX: redisPrefix('start-up').slice(-32),
      MUSTER_TASK_QUEUE: taskQueueName('start-up'),
      TEMPORAL_ADDRESS: stack.temporalAddress,
      TEMPORAL_NAMESPACE: stack.temporalNamespace,
      MUSTER_LOG_LEVEL: 'silent',
    };
  });
  after(async () => {
    await closed?.close();
    await Promise.all([clone?.drop(), empty?.drop()]);
  });

  const elsewhere = (url: string, change: (url: URL) => void): string => {
    const changed = new URL(url);
    change(changed);
    return changed.toString();
  };
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const sessions = (database: ClonedDatabase) =>
    withPostgresql(stack.superuserUrl, async (client) => {
      const query = 'select application_name from pg_stat_activity where datname = $1';
      return (await client.query<{ application_name: string }>(query, [database.name])).rows;
    });
  /** Holds a start to its failure, and to leaving nothing open behind it. */
  const refuses = async (start: () => Promise<unknown>, expected: { code?: string; message: RegExp }) => {
    const before = sockets();

    await assert.rejects(start(), expected);

    await eventually(() => assert.equal(sockets(), before), { what: 'every socket to be closed' });
    for (const database of [clone, empty]) await eventually(async () => assert.deepEqual(await sessions(database), []));
  };
  const start = (environment: Environment) => () =>
    startWorker({ graphs: [single], environment: { ...usual, ...environment } });

  it('C083: says that PostgreSQL does not answer, or not to this user', async () => {
    const refused = elsewhere(clone.databaseUrl, (url) => {
      url.port = String(closed.port);
    });
    const stranger = elsewhere(clone.databaseUrl, (url) => {
      url.password = 'wrong';
    });

    for (const url of [refused, stranger]) {
      await refuses(start({ MUSTER_DATABASE_URL: url }), { code: 'service_unreachable', message: /PostgreSQL at/ });
    }
  });

  it('C083: says which migration is missing, and what to run', async () => {
    await refuses(start({ MUSTER_DATABASE_URL: empty.databaseUrl }), {
      code: 'schema_drift',
      message: new RegExp(`${FIRST_MIGRATION}.*muster migrate`),
    });
  });

  it('C083: says which migration was edited after it was applied', async () => {
    const edit = (from: string, to: string) =>
      withPostgresql(clone.superuserUrl, (client) =>
        client.query('update muster.schema_migrations set checksum = replace(checksum, $1, $2) where name = $3', [
          from,
          to,
          FIRST_MIGRATION,
        ]),
      );
    await edit('0', 'o');

    await refuses(start({}), { code: 'migration_refused', message: new RegExp(`${FIRST_MIGRATION}.*edited`) });
    await refuses(prepare({}).start, { code: 'migration_refused', message: new RegExp(`${FIRST_MIGRATION}.*edited`) });
    await edit('o', '0');
  });

  it('C083: says that Temporal does not answer', async () => {
    await refuses(start({ TEMPORAL_ADDRESS: `127.0.0.1:${closed.port}` }), {
      code: 'service_unreachable',
      message: /Temporal at/,
    });
  });

  it('C083: names what is wrong with its handlers, its variables and its failpoints', async () => {
    const schema = { input: z.object({}), output: z.object({}) };
    const twins = [1, 2].map(() => defineAgent({ name: 'twin', ...schema, handle: () => ({}) }));

    await refuses(() => startWorker({ agents: twins, environment: usual }), {
      code: 'handler_definition_invalid',
      message: /twin/,
    });
    await refuses(start({ MUSTER_DATABASE_POOL: 'many', MUSTER_LOG_LEVEL: 'loud' }), {
      code: 'config_invalid',
      message: /MUSTER_DATABASE_POOL.*MUSTER_LOG_LEVEL/,
    });
    await refuses(start({ MUSTER_FAILPOINTS: 'nowhere:kill' }), { message: /MUSTER_FAILPOINTS.*nowhere/ });
  });

  const prepare = (environment: Environment) => {
    const steps: string[] = [];
    const config = loadConfig({ ...usual, ...environment });
    const begin = async () =>
      prepareInstallation({
        config,
        connections: await findConnections(config.services),
        report: (step) => steps.push(step),
      });
    return { steps, start: begin };
  };

  it('C083: has a set-up that names the step which failed', async () => {
    const owner = elsewhere(clone.ownerUrl, (url) => {
      url.port = String(closed.port);
    });
    const noOwner = prepare({ MUSTER_DATABASE_OWNER_URL: owner });
    const noTemporal = prepare({ TEMPORAL_ADDRESS: `127.0.0.1:${closed.port}` });

    await refuses(noOwner.start, { code: 'service_unreachable', message: /PostgreSQL at/ });
    await refuses(noTemporal.start, { code: 'service_unreachable', message: /Temporal at/ });

    assert.equal(noOwner.steps.at(-1), 'migrations');
    assert.equal(noTemporal.steps.at(-1), 'temporal');
  });

  it('C083: does without Redis, and its tasks complete', async () => {
    const environment = { ...usual, MUSTER_REDIS_URL: `redis://127.0.0.1:${closed.port}` };
    const before = sockets();
    const worker = await startWorker({ graphs: [single], environment });
    const client = await connect({ environment });

    const view = await ended(await client.submit('single', {}));
    await client.close();
    await worker.stop();

    assert.equal(view.task.status, 'completed');
    await eventually(() => assert.equal(sockets(), before), { what: 'every socket to be closed' });
    await eventually(async () => assert.deepEqual(await sessions(clone), []));
  });
});
