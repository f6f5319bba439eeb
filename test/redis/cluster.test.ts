import assert from 'node:assert/strict';
import type { AgentId, TaskId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import { GuardedRedis } from '../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../redis/limits/process-slots.ts';
import { openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { DispatchBed } from '../dispatcher/dispatch-bed.ts';
import { eventually, patience } from '../support/eventually.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { redisPrefix } from '../support/stack.ts';
import { inBatches, manyJobs, queueOn, SILENT_LOG } from './redis-under-test.ts';

/** Room for a machine that is busy with other things, on top of the promised time. */
const SLACK_MS = 400;

describe('a Redis Cluster', function () {
  this.timeout(120_000);
  let cluster: RedisCluster;
  const opened: RedisConnections[] = [];

  before(async () => {
    cluster = await RedisCluster.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((redis) => redis.close()));
  });
  after(() => cluster?.close());

  async function open(url = cluster.nodes[0]?.url ?? '', commandTimeoutMs = 5_000): Promise<RedisConnections> {
    const redis = await openRedis({ url, prefix: redisPrefix('cluster'), commandTimeoutMs, log: SILENT_LOG });
    opened.push(redis);
    return redis;
  }

  it('is recognized by the address of any of its nodes, and keeps queues, limits, slots and heartbeats', async () => {
    for (const node of cluster.nodes) {
      const redis = await open(node.url);
      for (const taskQueue of ['one', 'two', 'three', 'four']) {
        const queue = queueOn(redis, taskQueue);
        const jobs = manyJobs(30);
        assert.equal((await queue.rebuild(inBatches(jobs, 10), DEFAULT_QUEUE_SETTINGS)).outcome, 'finished');
        const leased = await queue.lease({ max: 50, leaseMs: 60_000 });
        assert.equal(leased.length, 30);
        assert.equal(await queue.started(leased.map(({ taskId }) => taskId)), 30);
      }
      const board = new AgentHealthBoard(redis);
      const agents = Array.from({ length: 40 }, (_, index) => `agent-${index}` as AgentId);
      await board.beat(agents.map((id) => ({ id, status: 'idle' as const })));
      assert.equal((await board.health(agents)).size, 40);
      await board.remove(agents);
      assert.equal((await board.health(agents)).size, 0);
      const slots = new ProcessSlots(new GuardedRedis(redis, { timeoutMs: 5_000 }), {
        tenant: 'default',
        liveProcesses: () => 1,
      });
      const answer = await slots.acquire('model', { limit: 1 });
      assert.equal(answer.acquired && answer.slot.source, 'redis');
      const waiter = { id: 'node', laterMs: 0, standsMs: 5_000 };
      assert.equal((await slots.acquireInTurn('model', waiter, { limit: 1 })).acquired, false);
    }
  });

  it('carries hints from any node to any other', async () => {
    const [one, two] = [await open(cluster.nodes[0]?.url), await open(cluster.nodes[2]?.url)];
    let hints = 0;
    const id = 'task' as TaskId;
    const prefixed = two.keys;
    new WakeUps({ ...one, keys: prefixed }, { taskQueue: 'q' }).onTask(id, () => {
      hints += 1;
    });
    await eventually(() => hints === 1, { what: 'the subscription' });

    await new WakeUps(two, { taskQueue: 'q' }).publishTask(id);

    await eventually(() => hints === 2, { what: 'the hint' });
  });

  it('opens by another of the given addresses where the first one leads nowhere', async () => {
    const redis = await open(`redis://:cluster-word@127.0.0.1:1,${cluster.nodes[1]?.url}`);

    await eventually(() => queueOn(redis).depth(), { what: 'an answer' });
  });

  it('B4: no call outlasts its time on a node that has fallen silent, and its successor answers', async () => {
    const redis = await open(cluster.nodes[0]?.url, 250);
    const queue = queueOn(redis, 'silent');
    await queue.enqueue(manyJobs(3));
    const silent = await cluster.primaryOf(redis.keys.queue('silent').wakeUps);
    silent.freeze();

    let slowestMs = 0;
    const answered = async (): Promise<boolean> => {
      const startedAt = performance.now();
      const depth = await queue.depth().catch(() => null);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      return depth !== null;
    };
    assert.equal(await answered(), false);
    await eventually(answered, { what: 'the successor', withinMs: 30_000 });

    assert.ok(slowestMs < 250 + SLACK_MS * patience(), `the slowest call took ${slowestMs} ms`);
  });

  it('continues after a failover: tasks start without the lost node, and by its successor after it', async () => {
    const url = cluster.nodes.find(({ redis }) => redis.status === 'ready')?.url ?? '';
    const bed = await DispatchBed.open('cluster', { redisUrl: url });
    try {
      bed.dispatch();
      await bed.submit({}, 20);
      await eventually(() => bed.started.length === 20, { what: 'the first starts' });
      const lost = await cluster.primaryOf(bed.redis.keys.queue('claims').wakeUps);

      await lost.kill();
      await bed.claims.insert({}, 20);

      await eventually(() => bed.started.length === 40, { what: 'starts without the node', withinMs: 20_000 });
      await eventually(() => bed.queue.depth(), { what: 'the successor', withinMs: 20_000 });
      await eventually(() => bed.mender().look(), { what: 'the index at the successor', withinMs: 20_000 });
      await bed.submit({}, 20);
      await eventually(() => bed.started.length === 60, { what: 'starts by the successor', withinMs: 20_000 });
      await eventually(async () => (await bed.queue.view()).bands.normal.startsPerMinute >= 20);
      assert.equal(new Set(bed.ids).size, 60);
    } finally {
      await bed.close();
    }
  });

  it('is left again when a single server takes its place', async () => {
    const url = cluster.nodes.find(({ redis }) => redis.status === 'ready')?.url ?? '';
    const redis = await open(`${cluster.nodes[0]?.url},${url}`);
    await eventually(() => queueOn(redis).depth(), { what: 'an answer of the cluster', withinMs: 20_000 });

    await cluster.replaceBySingle();

    const answered = () => queueOn(redis).enqueue(manyJobs(1));
    await eventually(answered, { what: 'an answer of the single server', withinMs: 60_000 });
  });
});
