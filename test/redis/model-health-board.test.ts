import assert from 'node:assert/strict';
import { ModelHealthBoard } from '../../redis/model-health-board.ts';
import { openTestRedis } from './redis-under-test.ts';

describe('the health of models in Redis', () => {
  it('is what was last told of each way, for an hour, without what others wrote there', async () => {
    const redis = await openTestRedis();
    const board = new ModelHealthBoard(redis);
    const key = redis.keys.modelHealth();
    await board.tell({ provider: 'main', id: 'm 1', health: 0.5, isOpen: false });
    await board.tell({ provider: 'main', id: 'm 1', health: 0.4, isOpen: true });
    await redis.ask((commands) => commands.hset(key, { odd: 'x', '["a","b"]': '{}', '[1,2]': '[1,true]' }));

    const told = await board.read();
    const ttl = await redis.ask((commands) => commands.ttl(key));
    await redis.close();

    assert.deepEqual(told, [{ provider: 'main', id: 'm 1', health: 0.4, isOpen: true }]);
    assert.ok(ttl > 3_500 && ttl <= 3_600);
  });
});
