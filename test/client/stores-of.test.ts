import assert from 'node:assert/strict';
import { storesOf } from '../../client/stores-of.ts';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import { callOperation } from '../../operations/call.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { LimitSettingsSource, rateLimitsOf } from '../../operations/limits/limit-settings-source.ts';
import { acquireSlot, releaseSlot, renewSlot } from '../../operations/limits/take.ts';
import type { Stores } from '../../operations/stores.ts';
import type { ProcessSlotAnswer } from '../../redis/limits/process-slots.ts';
import { RateLimiter } from '../../redis/limits/rate-limiter.ts';
import { openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { SILENT_LOG } from '../redis/redis-under-test.ts';

describe('the stores of operations while Redis is unavailable', () => {
  let database: Database;
  let redis: RedisConnections;
  let stores: Stores;
  before(async () => {
    database = openDatabase({ url: 'postgres://nobody@127.0.0.1:1/none', poolSize: 1, applicationName: 'test' });
    redis = await openRedis({ url: 'redis://127.0.0.1:1', prefix: 'none', log: SILENT_LOG });
    const liveProcesses = () => 1;
    const source = new LimitSettingsSource({ database });
    const limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
    const unused = () => assert.fail('slots need Redis alone');
    stores = storesOf({
      ...{
        database,
        log: { error: () => undefined },
        redis,
        graphs: new GraphCache(database),
        hosted: new Map(),
        temporal: unused,
        voiceOf: unused,
        liveProcesses,
      },
      config: { taskQueue: 'muster', maxInputBytes: 1_000, secretKey: null },
      rateLimits: rateLimitsOf(limiter, source),
    });
  });
  after(async () => {
    await redis?.close();
    await database?.close();
  });

  const caller = () => ({
    ...({ kind: 'agent', name: 'task/node', tenant: DEFAULT_TENANT } as const),
    permissions: new Set(['limits:use'] as const),
  });
  const acquire = (): Promise<ProcessSlotAnswer> =>
    callOperation(acquireSlot, { caller: caller(), stores }, { key: 'model', limit: 1 });

  it('one call finds the slot that another one holds, renews it and gives it back', async () => {
    const first = await acquire();
    assert.ok(first.acquired && first.slot.source === 'local');
    const { slot } = first;

    assert.equal((await acquire()).acquired, false);
    assert.equal(await callOperation(renewSlot, { caller: caller(), stores }, { slot }), true);
    await callOperation(releaseSlot, { caller: caller(), stores }, { slot });
    assert.equal((await acquire()).acquired, true);
  });
});
