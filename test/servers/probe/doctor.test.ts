import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { doctor, formatDoctor, formatServices, status } from '../../../cli/installation/services-report.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import type { ServicesConfig } from '../../../servers/services.ts';
import { cloneDatabase, type PrivateStack, type Stack, sharedStack, startPrivateStack } from '../../support/stack.ts';
import { emptyConfig, OwnState } from '../own-state.ts';

function configFor(stack: Stack, stateDir: string): ServicesConfig {
  const { databaseUrl, ownerUrl, redisUrl, temporalAddress, temporalUiUrl } = stack;
  return { ...emptyConfig(stateDir), databaseUrl, ownerUrl, redisUrl, temporalAddress, temporalUiUrl };
}

describe('muster doctor', function () {
  this.timeout(30_000);
  let stack: Stack;
  let state: OwnState;
  let redis: PrivateStack;

  before(async () => {
    stack = await sharedStack();
    state = await OwnState.create();
    redis = await startPrivateStack({ only: ['redis'] });
  });

  after(async () => {
    await redis.close();
    await state.remove();
  });

  it('finds nothing wrong with services that are as Muster wants them', async () => {
    const report = await doctor(configFor(stack, state.folder.path));

    assert.equal(report.ready, true);
    assert.deepEqual(
      report.checks.filter(({ ok }) => !ok),
      [],
    );
    assert.ok(report.services.every(({ source }) => source === 'environment'));
    assert.doesNotMatch(formatDoctor(report), /^NO /m);
  });

  it('says that row-level security does not bind a superuser', async () => {
    const databaseUrl = stack.superuserUrl.replace(/\/postgres$/, '/muster');

    const { checks } = await doctor({ ...configFor(stack, state.folder.path), databaseUrl });

    const role = checks.find(({ name }) => name === 'database role');
    assert.equal(role?.ok, false);
    assert.match(role.detail, /postgres bypasses row-level security/);
    assert.match(role.remedy ?? '', /MUSTER_DATABASE_URL/);
  });

  it('says that row-level security may not bind the owner', async () => {
    const { checks } = await doctor({ ...configFor(stack, state.folder.path), databaseUrl: stack.ownerUrl });

    assert.match(checks.find(({ name }) => name === 'database role')?.detail ?? '', /muster_owner owns the database/);
  });

  it('says that a Redis which evicts keys loses jobs for a while', async () => {
    const client = new Redis(redis.redisUrl);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await client.quit();

    const { checks } = await doctor({ ...configFor(stack, state.folder.path), redisUrl: redis.redisUrl });

    const policy = checks.find(({ name }) => name === 'redis memory policy');
    assert.equal(policy?.detail, 'allkeys-lru');
    assert.match(policy.remedy ?? '', /noeviction/);
  });

  it('calls a Redis that takes no writes not ready, be it a replica, or one without memory', async () => {
    const config = { ...configFor(stack, state.folder.path), redisUrl: redis.redisUrl };
    const client = new Redis(redis.redisUrl);
    const detail = async () => {
      const { services, ready } = await status(config);
      assert.equal(ready, false);
      return services.find(({ name }) => name === 'redis')?.detail ?? '';
    };

    await client.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
    const full = await detail();
    await client.config('SET', 'maxmemory', '0');
    await client.replicaof('127.0.0.1', '1');
    const replica = await detail();
    await client.replicaof('NO', 'ONE');
    await client.quit();

    assert.match(full, /takes no writes: OOM/);
    assert.match(replica, /takes no writes: it is a replica of 127\.0\.0\.1/);
    assert.doesNotMatch(replica, /Start it with/);
  });

  it('calls a PostgreSQL that takes no writes not ready', async () => {
    const clone = await cloneDatabase(stack, 'read only');
    const role = new URL(clone.databaseUrl).username;
    const name = new URL(clone.databaseUrl).pathname.slice(1);
    await withPostgresql(stack.superuserUrl, (client) =>
      client.query(`alter role "${role}" in database "${name}" set default_transaction_read_only = on`),
    );

    const { services, ready } = await status({
      ...configFor(stack, state.folder.path),
      databaseUrl: clone.databaseUrl,
    });
    await clone.drop();

    assert.equal(ready, false);
    const { detail = '' } = services.find(({ name: service }) => service === 'postgresql') ?? {};
    assert.match(detail, /takes no writes: default_transaction_read_only/);
  });

  it('tells for each service that is not running how to start it', async () => {
    const fresh = await OwnState.create();
    for (const name of ['postgresql', 'redis', 'temporal'] as const) fresh.folder.remember(name, null);

    const report = await status(fresh.config);

    assert.equal(report.ready, false);
    assert.equal(formatServices(report).match(/^NO .*not running; start it with `muster up`, or set/gm)?.length, 3);
    await fresh.remove();
  });
});
