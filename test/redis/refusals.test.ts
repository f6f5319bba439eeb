import assert from 'node:assert/strict';
import { hasErrorCode } from '../../domain/errors.ts';
import type { AgentId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import { GuardedRedis } from '../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../redis/limits/process-slots.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import { inBatches, job, newTaskId, openTestRedis, queueOn, TASK_QUEUE } from './redis-under-test.ts';

/** What servers say, of themselves, before them, or in future. */
const REPLIES = [
  'MOVED 866 127.0.0.1:1',
  'ASK 866 127.0.0.1:1',
  'CLUSTERDOWN The cluster is down',
  "CROSSSLOT Keys in request don't hash to the same slot",
  'TRYAGAIN Multiple keys request during rehashing of slot',
  "READONLY You can't write against a read only replica.",
  'MASTERDOWN Link with MASTER is down',
  'NOAUTH Authentication required.',
  'WRONGPASS invalid username-password pair or user is disabled.',
  "NOPERM User muster has no permissions to run the 'eval' command",
  "OOM command not allowed when used memory > 'maxmemory'.",
  'BUSY Redis is busy running a script.',
  'LOADING Redis is loading the dataset in memory',
  'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
  'NOREPLICAS Not enough good replicas to write.',
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  "ERR unknown command 'EVALSHA'",
  'ERR max number of clients reached',
  'NEVERSEEN words of a server that does not exist yet',
];

describe('what Redis refuses', () => {
  let redis: RedisConnections;
  let reports: object[];

  beforeEach(async () => {
    reports = [];
    const log = { info: () => undefined, warn: (facts: object) => void reports.push(facts) };
    redis = await openTestRedis({ prefix: redisPrefix('refusals'), log });
  });
  afterEach(() => redis.close());

  /** The same connections, whose every question the server answers with this error. */
  const refusing = (reply: string): RedisConnections => ({
    ...redis,
    ask: () => redis.ask((commands) => commands.eval('return redis.error_reply(ARGV[1])', 0, reply) as Promise<never>),
  });

  for (const reply of REPLIES) {
    const [kind = ''] = reply.split(' ');

    it(`${kind} (${reply.slice(kind.length + 1, kind.length + 20)}) counts as an outage that is named once, and ends by itself`, async () => {
      const refused = refusing(reply);
      const isOutage = (error: unknown): boolean => {
        assert.ok(hasErrorCode(error) && error.code === 'service_unreachable', String(error));
        assert.ok(error.message.includes(kind), error.message);
        return true;
      };
      const slots = new ProcessSlots(new GuardedRedis(refused), { tenant: 'default', liveProcesses: () => 1 });

      await assert.rejects(queueOn(refused).lease({ max: 1, leaseMs: 1_000 }), isOutage);
      await assert.rejects(queueOn(refused).enqueue([job('high', 1)]), isOutage);
      await assert.rejects(new WakeUps(refused, { taskQueue: TASK_QUEUE }).publishTask(newTaskId()), isOutage);
      await assert.rejects(new AgentHealthBoard(refused).beat([{ id: 'a' as AgentId, status: 'idle' }]), isOutage);
      const answer = await slots.acquire('model', { limit: 1 });
      const waiter = { id: 'node', laterMs: 0, standsMs: 5_000 };
      const turn = await slots.acquireInTurn('agent:a', waiter, { limit: 1 });

      assert.equal(answer.acquired && answer.slot.source, 'local');
      assert.equal(turn.acquired && turn.slot.source, 'local');
      assert.equal(reports.filter((facts) => JSON.stringify(facts).includes(kind)).length, 1);
      await eventually(() => queueOn(redis).enqueue([job('high', 1)]), { what: 'an answer' });
    });
  }

  it('deletes what somebody else wrote under its keys, and builds the index again', async () => {
    const queue = queueOn(redis);
    const { all } = redis.keys.queue(TASK_QUEUE);
    for (const key of all) {
      await redis.ask((commands) => commands.del(key));
      await redis.ask((commands) => commands.rpush(key, 'not ours'));

      assert.equal((await queue.depth()).intact, false, key);
      const jobs = [job('high', 1)];
      assert.equal((await queue.rebuild(inBatches(jobs), DEFAULT_QUEUE_SETTINGS)).outcome, 'finished', key);

      assert.equal((await queue.depth()).intact, true, key);
      assert.equal((await queue.lease({ max: 1, leaseMs: 1_000 })).length, 1, key);
      await queue.acknowledge(jobs.map(({ taskId }) => taskId));
    }
  });
});
