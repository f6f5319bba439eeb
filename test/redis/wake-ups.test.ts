import assert from 'node:assert/strict';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import { job, newTaskId, openTestRedis, queueOn, TASK_QUEUE } from './redis-under-test.ts';

describe('wake-ups', () => {
  let redis: RedisConnections;
  let elsewhere: RedisConnections;
  let wakeUps: WakeUps;

  beforeEach(async () => {
    const prefix = redisPrefix('wake');
    redis = await openTestRedis({ prefix });
    elsewhere = await openTestRedis({ prefix });
    wakeUps = new WakeUps(redis, { taskQueue: TASK_QUEUE });
  });

  afterEach(async () => {
    await redis.close();
    await elsewhere.close();
  });

  /** Counts hints from the moment when the subscription stands, which is a hint of its own. */
  async function counted(listen: (hint: () => void) => () => void): Promise<{ hints: () => number; stop: () => void }> {
    let calls = 0;
    const stop = listen(() => {
      calls += 1;
    });
    await eventually(() => calls >= 1, { what: 'the hint of the subscription itself' });
    calls = 0;
    return { hints: () => calls, stop };
  }

  it('reach a dispatcher when a job is queued, once for a whole batch', async () => {
    const { hints } = await counted((hint) => wakeUps.onJob(hint));
    const marker = newTaskId();
    const marked = await counted((hint) => wakeUps.onTask(marker, hint));
    const jobs = [job('high', 1), job('low', 2)];
    const queue = queueOn(elsewhere);

    await queue.enqueue(jobs);
    await queue.enqueue(jobs);

    // Redis delivers in order, so all hints of the queue are there when the marker is.
    await new WakeUps(elsewhere, { taskQueue: TASK_QUEUE }).publishTask(marker);
    await eventually(() => marked.hints() === 1);
    assert.equal(hints(), 1);
  });

  it('reach a dispatcher when another gives a job back', async () => {
    const queue = queueOn(elsewhere);
    const one = job('high', 1);
    await queue.enqueue([one]);
    await queue.lease({ max: 1, leaseMs: 60_000 });
    const { hints } = await counted((hint) => wakeUps.onJob(hint));

    await queue.giveBack([one.taskId]);

    await eventually(() => hints() === 1);
  });

  it('of a task reach all who listen to it, and nobody else', async () => {
    const task = newTaskId();
    const first = await counted((hint) => wakeUps.onTask(task, hint));
    const second = await counted((hint) => wakeUps.onTask(task, hint));
    const other = await counted((hint) => wakeUps.onTask(newTaskId(), hint));
    const before = first.hints();

    await new WakeUps(elsewhere, { taskQueue: TASK_QUEUE }).publishTask(task);

    await eventually(() => first.hints() === before + 1 && second.hints() === 1);
    assert.equal(other.hints(), 0);
  });

  it('no longer reach who has stopped listening, while others still get them', async () => {
    const task = newTaskId();
    const stopped = await counted((hint) => wakeUps.onTask(task, hint));
    const listening = await counted((hint) => wakeUps.onTask(task, hint));
    const before = stopped.hints();
    stopped.stop();
    stopped.stop();

    await wakeUps.publishTask(task);

    await eventually(() => listening.hints() === 1);
    assert.equal(stopped.hints(), before);
  });

  it('give up the subscription when nobody listens any more', async () => {
    const task = newTaskId();
    const channel = redis.keys.taskEvents(task);
    const { stop } = await counted((hint) => wakeUps.onTask(task, hint));

    stop();

    await eventually(async () => {
      const answer = await elsewhere.ask((commands) => commands.pubsub('NUMSUB', channel));
      assert.deepEqual(answer, [channel, 0]);
    });
  });
});
