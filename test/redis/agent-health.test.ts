import assert from 'node:assert/strict';
import type { AgentId } from '../../domain/ids.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { openTestRedis } from './redis-under-test.ts';

const SUMMARISER = 'summariser' as AgentId;
const CRITIC = 'critic' as AgentId;

describe('the health of agents in Redis', () => {
  let redis: RedisConnections;
  let board: AgentHealthBoard;

  beforeEach(async () => {
    redis = await openTestRedis();
    board = new AgentHealthBoard(redis);
  });

  afterEach(async () => {
    await redis.close();
  });

  it('C020: shows the last heartbeat of each agent, for 30 s', async () => {
    const started = Date.now();
    await board.beat([
      { id: SUMMARISER, status: 'idle' },
      { id: CRITIC, status: 'active' },
    ]);
    await board.beat([{ id: SUMMARISER, status: 'busy' }]);

    const health = await board.health([SUMMARISER, CRITIC, 'stranger' as AgentId]);

    assert.deepEqual(
      [...health.values()].map(({ id, status }) => [id, status]),
      [
        [SUMMARISER, 'busy'],
        [CRITIC, 'active'],
      ],
    );
    const ttl = await redis.ask((commands) => commands.ttl(redis.keys.agentHealth(SUMMARISER)));
    assert.ok(ttl > 25 && ttl <= 30);
    const beatAt = health.get(SUMMARISER)?.lastHeartbeatAt.getTime() ?? 0;
    assert.ok(Math.abs(beatAt - started) < 10_000);
  });

  it('C020: shows an agent no more when its key has expired', async () => {
    await board.beat([{ id: SUMMARISER, status: 'idle' }]);

    await redis.ask((commands) => commands.pexpire(redis.keys.agentHealth(SUMMARISER), 0));

    assert.equal((await board.health([SUMMARISER])).size, 0);
  });

  it('writes the fields that the Redis protocol of the agents names', async () => {
    await board.beat([{ id: CRITIC, status: 'starting' }]);

    const fields = await redis.ask((commands) => commands.hgetall(redis.keys.agentHealth(CRITIC)));

    assert.deepEqual(Object.keys(fields).sort(), ['id', 'last_heartbeat', 'status']);
    assert.match(String(fields.last_heartbeat), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('takes what is no heartbeat for silence', async () => {
    const key = redis.keys.agentHealth(CRITIC);
    await redis.ask((commands) => commands.hset(key, { status: 'dancing', last_heartbeat: 'now' }));

    assert.equal((await board.health([CRITIC])).size, 0);
  });

  it('does nothing for no agents', async () => {
    await board.beat([]);

    assert.equal((await board.health([])).size, 0);
  });
});
