import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { probeRedis, withPostgresql } from '../../servers/probe/probes.ts';
import { isPortFree } from '../../servers/start/ports.ts';
import { eventually } from './eventually.ts';
import { cloneDatabase, type PrivateStack, sharedStack, startPrivateStack } from './stack.ts';

describe('a private stack', function () {
  this.timeout(60_000);
  let stack: PrivateStack;

  before(async () => {
    stack = await startPrivateStack({ only: ['postgresql', 'redis'] });
  });

  after(() => stack.close());

  it('keeps committed rows over kill -9 of PostgreSQL, on the same port', async () => {
    await withPostgresql(stack.ownerUrl, async (client) => {
      await client.query('create table kept as select 1 as id');
    });

    await stack.postgres.kill('SIGKILL');
    await assert.rejects(withPostgresql(stack.ownerUrl, async () => undefined));
    await stack.postgres.start();

    const kept = await withPostgresql(stack.ownerUrl, async (client) => (await client.query('table kept')).rowCount);
    assert.equal(kept, 1);
  });

  it('loses what Redis held over kill -9, on the same port', async () => {
    await stack.redis.kill('SIGKILL');
    await assert.rejects(probeRedis(stack.redisUrl));

    await stack.redis.start();

    await probeRedis(stack.redisUrl);
  });

  it('refuses a server that it was started without', () => {
    assert.throws(() => stack.temporal, /started without temporal/);
  });

  it('ends with its maker, however that ends', async () => {
    const script = `
      import { startPrivateStack } from ${JSON.stringify(fileURLToPath(new URL('./stack.ts', import.meta.url)))};
      const stack = await startPrivateStack({ only: ['redis'] });
      process.stdout.write(JSON.stringify({ folder: stack.folder, port: stack.redis.port }) + '\\n');
      setInterval(() => undefined, 1000);`;
    const maker = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    const [line] = await once(maker.stdout, 'data');
    const { folder, port } = JSON.parse(String(line));
    assert.equal(await isPortFree(port), false);

    maker.kill('SIGKILL');

    await eventually(async () => assert.ok(await isPortFree(port)));
    await eventually(() => assert.equal(existsSync(folder), false));
  });
});

describe('a cloned database', function () {
  this.timeout(60_000);

  it('has every migration applied and is apart from other clones', async () => {
    const stack = await sharedStack();
    const [one, two] = await Promise.all([cloneDatabase(stack, 'one'), cloneDatabase(stack, 'two')]);

    await withPostgresql(one.ownerUrl, async (client) => {
      await client.query('create table only_here (id int)');
    });

    for (const [clone, tables] of [
      [one, 1],
      [two, 0],
    ] as const) {
      await withPostgresql(clone.superuserUrl, async (client) => {
        const ledger = await client.query('select 1 from muster.schema_migrations');
        assert.ok((ledger.rowCount ?? 0) > 0);
        const { rowCount } = await client.query("select 1 from pg_tables where tablename = 'only_here'");
        assert.equal(rowCount, tables);
      });
    }
    await one.drop();
    await two.drop();
  });
});
