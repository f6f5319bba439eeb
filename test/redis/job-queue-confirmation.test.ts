import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import type { Job, JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { packSettings } from '../../redis/queue-job.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import {
  countHints,
  inBatches,
  job,
  openTestRedis,
  queueOn,
  runHoldersOut,
  runLeasesOut,
  settings,
  TASK_QUEUE,
} from './redis-under-test.ts';

const LEASE_MS = 600_000;
const ONE_PER_USER = settings({ limits: { 'user:*': 1 } });
const NOWHERE: ReadonlyMap<string, number> = new Map();

/** Jobs of the band normal, oldest first, one for each list of keys. */
const jobsWith = (...keys: string[][]): Job[] => keys.map((own, index) => job('normal', 100 + index, { keys: own }));

describe('the confirmation of slots', () => {
  let redis: RedisConnections;
  let queue: JobQueue;

  beforeEach(async () => {
    redis = await openTestRedis({ prefix: redisPrefix('confirmation') });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await redis.close();
  });

  const lease = async (max = 100): Promise<TaskId[]> =>
    (await queue.lease({ max, leaseMs: LEASE_MS })).map(({ taskId }) => taskId);

  const start = async (max = 100): Promise<TaskId[]> => {
    const ids = await lease(max);
    await queue.started(ids);
    return ids;
  };

  const held = async (key: string): Promise<number> =>
    (await queue.view()).limits.find((limit) => limit.key === key)?.held ?? 0;

  it('G5: frees the slot of a holder that is neither released nor confirmed at its deadline, not before', async () => {
    const holderMs = 300;
    const brief = queueOn(redis, TASK_QUEUE, { holderMs });
    await brief.applySettings(ONE_PER_USER);
    const [first, second] = jobsWith(['user:x/ann'], ['user:x/ann']);
    await brief.enqueue(first && second ? [first, second] : []);
    const ids = await lease();
    const startedAt = performance.now();
    await brief.started(ids);

    await eventually(async () => assert.deepEqual(await lease(), [second?.taskId]), { withinMs: 5_000 });

    assert.ok(performance.now() - startedAt >= holderMs - 1);
  });

  it('G5: frees the slots of a dispatcher that died between lease and claim when its lease runs out, 100 times', async () => {
    await queue.applySettings(settings({ limits: { 'user:*': 1, 'graph:g': 1 } }));
    const [only, next] = jobsWith(['user:x/ann', 'graph:g'], ['user:x/bob', 'graph:g']);
    await queue.enqueue(only && next ? [only, next] : []);

    for (let crash = 0; crash < 100; crash += 1) {
      assert.deepEqual(await lease(), [only?.taskId]);
      assert.deepEqual(await lease(), []);
      await runLeasesOut(redis, only ? [only.taskId] : []);
    }

    assert.deepEqual(await start(), [only?.taskId]);
    assert.equal(await held('graph:g'), 1);
  });

  it('frees the slots of a holder long before its deadline when two confirmations in a row do not name it', async () => {
    await queue.applySettings(ONE_PER_USER);
    const [first, second] = jobsWith(['user:x/ann'], ['user:x/ann']);
    assert.ok(first && second);
    await queue.enqueue([first, second]);
    const ids = await start(1);
    await runHoldersOut(redis, ids, Date.now() + 15_000);

    await queue.confirmSlots([], NOWHERE);

    assert.deepEqual(await lease(), [second.taskId]);
  });

  it('keeps the slots of a holder that a confirmation names, and frees those that it does not', async () => {
    await queue.applySettings(ONE_PER_USER);
    const [a, b] = jobsWith(['user:x/ann'], ['user:x/bob']);
    const [nextA, nextB] = jobsWith(['user:x/ann'], ['user:x/bob']);
    assert.ok(a && b && nextA && nextB);
    await queue.enqueue([a, b]);
    await start();
    await queue.enqueue([nextA, nextB]);
    await lease();
    const hints = await countHints(redis);
    await runHoldersOut(redis, [a.taskId, b.taskId]);

    await queue.confirmSlots([{ taskId: a.taskId, key: 'user:x/ann' }], NOWHERE);

    await eventually(() => hints() > 0, { what: 'the hint that a job may start' });
    assert.deepEqual(await lease(), [nextB.taskId]);
    assert.equal(await held('user:x/ann'), 1);
  });

  it('leaves a start alone that is younger than the confirmation', async () => {
    await queue.applySettings(ONE_PER_USER);
    await queue.enqueue(jobsWith(['user:x/ann'], ['user:x/ann']));
    await start();

    await queue.confirmSlots([], NOWHERE);

    assert.deepEqual(await lease(), []);
  });

  it('does not take the slots of a task again that ended after the confirmation was read', async () => {
    await queue.applySettings(ONE_PER_USER);
    const [first, second] = jobsWith(['user:x/ann'], ['user:x/ann']);
    assert.ok(first && second);
    await queue.enqueue([first, second]);
    const read = (await start()).map((taskId) => ({ taskId, key: 'user:x/ann' }));
    await queue.released([first.taskId]);

    await queue.confirmSlots(read, NOWHERE);

    assert.deepEqual(await lease(), [second.taskId]);
  });

  it('learns from a confirmation which slots are taken after Redis was emptied', async () => {
    await queue.applySettings(ONE_PER_USER);
    const [open, waiting] = jobsWith(['user:x/ann'], ['user:x/ann']);
    assert.ok(open && waiting);
    await queue.enqueue([open, waiting]);
    await start();
    await redis.ask((commands) => commands.del(...redis.keys.queue(TASK_QUEUE).all));
    await queue.rebuild(inBatches([waiting]), ONE_PER_USER);

    await queue.confirmSlots([{ taskId: open.taskId, key: 'user:x/ann' }], NOWHERE);

    assert.deepEqual(await lease(), []);
    await queue.released([open.taskId]);
    assert.deepEqual(await lease(), [waiting.taskId]);
  });

  it('counts the slots that other task queues hold, until they hold them no longer', async () => {
    await queue.applySettings(settings({ limits: { 'graph:g': 2 } }));
    const jobs = jobsWith(['graph:g'], ['graph:g'], ['graph:g']);
    await queue.confirmSlots([], new Map([['graph:g', 1]]));
    await queue.enqueue(jobs);

    assert.equal((await start()).length, 1);
    await queue.confirmSlots([], new Map([['graph:h', 1]]));
    assert.equal((await start()).length, 1);
    assert.equal((await start()).length, 0);
  });

  it('lets parked jobs wait again at the next confirmation when the process that applied the settings died half-way', async () => {
    await queue.applySettings(settings({ paused: ['graph:g'] }));
    await queue.enqueue(jobsWith(['graph:g'], ['graph:g']));
    assert.deepEqual(await lease(), []);
    await redis.ask((commands) =>
      commands.applySettings(...redis.keys.queue(TASK_QUEUE).all, ...packSettings(settings())),
    );
    assert.deepEqual(await lease(), []);

    await queue.confirmSlots([], NOWHERE);

    assert.equal((await lease()).length, 2);
  });

  it('forgets a task that ends before its start is reported', async () => {
    await queue.applySettings(ONE_PER_USER);
    await queue.enqueue(jobsWith(['user:x/ann'], ['user:x/ann']));
    const ids = await lease();

    await queue.released(ids);

    assert.equal(await queue.started(ids), 0);
    assert.equal((await start()).length, 1);
  });

  it('G5: neither loses nor leaks a slot when a part of the index is evicted', async function () {
    this.timeout(30_000);
    const limited = settings({ limits: { 'user:*': 1 } });
    for (const lost of redis.keys.queue(TASK_QUEUE).all) {
      await redis.ask((commands) => commands.del(...redis.keys.queue(TASK_QUEUE).all));
      const [open, leased, ...waiting] = jobsWith(['user:x/1'], ['user:x/2'], ['user:x/1'], ['user:x/2'], ['user:x/3']);
      assert.ok(open && leased);
      await queue.rebuild(inBatches([open, leased, ...waiting]), limited);
      await queue.started((await lease(1)).filter((id) => id === open.taskId));
      await lease(1);
      await queue.enqueue(waiting);

      await redis.ask((commands) => commands.del(lost));
      if (!(await queue.depth()).intact) await queue.rebuild(inBatches([leased, ...waiting]), limited);
      await queue.applySettings(limited);
      await queue.confirmSlots([{ taskId: open.taskId, key: 'user:x/1' }], NOWHERE);
      await queue.released([open.taskId]);

      const seen = new Set<TaskId>();
      for (let turn = 0; turn < 5; turn += 1) {
        await runLeasesOut(redis, [leased.taskId]);
        const ids = await start();
        for (const id of ids) seen.add(id);
        await queue.released(ids);
      }
      for (const { taskId } of waiting) assert.ok(seen.has(taskId), `a job was lost with ${lost}`);
    }
  });
});
