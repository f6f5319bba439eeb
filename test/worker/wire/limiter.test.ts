import assert from 'node:assert/strict';
import { openDatabase } from '../../../database/open-orm.ts';
import { gcra } from '../../../domain/limits/rate-limit.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../../domain/queues/queue-settings.ts';
import { hasErrorCode } from '../../../index.ts';
import { openRedis } from '../../../redis/open-redis.ts';
import { workerLimits } from '../../../worker/wire/limiter.ts';
import { openMuster } from '../../support/muster.ts';
import { redisPrefix } from '../../support/stack.ts';
import { startProxy, through } from '../../support/tcp-proxy.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the limits of a worker', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it('are those that were set from its first node on: it does not start before it has read them', async () => {
    const muster = await openMuster('worker limits');
    closers.push(() => muster.close());
    await muster.client.limits.set('provider:acme', gcra({ limit: 7, perSeconds: 3_600 }));
    const proxy = await startProxy({ targetPort: Number(new URL(muster.databaseUrl).port), mode: 'reset' });
    closers.push(() => proxy.close());
    const url = through(proxy, muster.databaseUrl);
    const database = openDatabase({ url, applicationName: 'worker limits', transactionTimeoutMs: 1_000 });
    closers.push(() => database.close());
    const redisOptions = { prefix: redisPrefix('worker limits'), commandTimeoutMs: 1_000, log: SILENT };
    const redis = await openRedis({ url: muster.stack.redisUrl, ...redisOptions });
    closers.push(() => redis.close());
    const open = () => workerLimits({ database, redis, log: SILENT }, async () => DEFAULT_QUEUE_SETTINGS);

    await assert.rejects(open(), (error) => hasErrorCode(error));
    proxy.set('pass');
    const { limiter } = await open();

    const taken = await limiter.take({ tenant: 'default', provider: 'acme' });
    assert.equal(taken.limit, 7);
  });
});
