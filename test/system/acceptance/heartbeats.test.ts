import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { scriptedGraphs } from './graphs.ts';
import { Script } from './script.ts';

describe('the agents of a worker', () => {
  const { mixed } = scriptedGraphs(new Script());
  let muster: MusterUnderTest;
  let redis: Redis;

  before(async () => {
    muster = await openMuster('heartbeats');
    redis = new Redis(muster.stack.redisUrl);
  });
  after(async () => {
    redis?.disconnect();
    await muster?.close();
  });

  const agent = async (name: string) => (await muster.client.agents()).find((each) => each.name === name);

  it('C020: are active with a fresh heartbeat in both stores while it lives, and offline once it has stopped', async () => {
    const worker = await muster.work({ graphs: [mixed] });
    const beating = await eventually(async () => {
      const found = await agent('slow-step');
      assert.ok(found?.workerId != null);
      return found;
    });
    const key = `${muster.environment.MUSTER_REDIS_PREFIX}:agent:${beating.id}:health`;
    const health = await eventually(async () => {
      const found = await redis.hgetall(key);
      assert.ok(found.status !== undefined);
      return found;
    });
    const ttl = await redis.ttl(key);
    await worker.stop();
    const stopped = await agent('slow-step');

    assert.equal(beating.status, 'active');
    assert.equal(beating.tenant, 'system');
    assert.ok(Date.now() - Number(beating.lastHeartbeat) < 15_000);
    assert.equal(health.status, 'active');
    assert.ok(ttl > 0 && ttl <= 30, `the key lives for ${ttl} s`);
    assert.equal(stopped?.status, 'offline');
    assert.equal(await redis.exists(key), 0, 'the fast signal goes with it');
    assert.equal(stopped?.id, beating.id);
  });

  it('C020: are active again under the same id when a worker starts again', async () => {
    const before = await agent('quick-step');
    await muster.work({ graphs: [mixed] });

    const again = await agent('quick-step');

    assert.equal(again?.status, 'active');
    assert.equal(again?.id, before?.id);
  });
});
