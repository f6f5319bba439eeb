import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId } from '../../domain/ids.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { type JobQueue, queueSettingsVersion } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { redisPrefix } from '../support/stack.ts';
import { QueueModel } from './queue-model.ts';
import {
  inBatches,
  openTestRedis,
  queueOn,
  runHoldersOut,
  runLeasesOut,
  settings,
  TASK_QUEUE,
  tenant,
} from './redis-under-test.ts';

interface Real {
  redis: RedisConnections;
  queue: JobQueue;
}

/** One step, checked against the model, and then all counts. */
class Step implements fc.AsyncCommand<QueueModel, Real> {
  readonly #name: string;
  readonly #act: (model: QueueModel, real: Real) => Promise<void>;

  constructor(name: string, act: (model: QueueModel, real: Real) => Promise<void>) {
    this.#name = name;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: QueueModel, real: Real): Promise<void> {
    await this.#act(model, real);
    const { parked, ...depth } = await real.queue.depth();
    assert.ok(parked <= model.waiting.size);
    assert.deepEqual(depth, {
      waiting: model.waitingByBand(),
      leased: model.leased.size,
      intact: model.intact,
      settingsVersion: model.settings && queueSettingsVersion(model.settings),
    });
    const { limits } = await real.queue.view();
    const held = limits.filter((limit) => limit.held > 0).map((limit): [string, number] => [limit.key, limit.held]);
    assert.deepEqual(new Map(held.sort()), new Map([...model.heldByKey()].sort()));
  }

  toString(): string {
    return this.#name;
  }
}

const TASK_IDS = Array.from({ length: 14 }, (_, index) => `task-${String.fromCharCode(97 + index)}` as TaskId);
/** Names with everything in them that the scripts might take for a sign of their own. */
const KEYS = ['graph:g', 'graph:g h', 'agent:é|1', 'user:a/1}', 'user:a/*', 'key:a/~{x}:y%20'];

const taskIds = fc.subarray(TASK_IDS, { minLength: 1 });
const jobs = fc.uniqueArray(
  fc
    .record({
      taskId: fc.constantFrom(...TASK_IDS),
      tenant: fc.constantFrom('a', 'b').map(tenant),
      band: fc.constantFrom(...PRIORITY_BANDS),
      // Some have waited for years, some come from the future: none grows old while the test runs.
      createdAtMs: fc.constantFrom(1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000, 4_000_000_000_001),
      keys: fc.subarray(KEYS),
    })
    .map((one) => ({ ...one, keys: [`tenant:${one.tenant}`, ...one.keys] })),
  { selector: ({ taskId }) => taskId, minLength: 1 },
);
const counts = fc.dictionary(fc.constantFrom(...KEYS, 'tenant:a'), fc.integer({ min: 0, max: 2 }), { maxKeys: 3 });
const someSettings = fc
  .record({
    limits: fc.dictionary(fc.constantFrom(...KEYS, 'user:*', 'agent:*', 'tenant:*', 'tenant:a'), fc.nat({ max: 3 })),
    weights: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom(0.01, 1, 3)),
    paused: fc.subarray(['band:high', 'band:normal', 'band:low', 'tenant:a', 'graph:g'], { maxLength: 2 }),
    ageingSeconds: fc.constantFrom(1, 86_400),
  })
  .map(settings);

const perTask = (
  name: string,
  simulate: (model: QueueModel, id: TaskId) => boolean,
  act: (queue: JobQueue, ids: readonly TaskId[]) => Promise<number>,
) =>
  taskIds.map(
    (ids) =>
      new Step(`${name} ${ids}`, async (model, { queue }) => {
        assert.equal(await act(queue, ids), ids.filter((id) => simulate(model, id)).length);
      }),
  );

const steps = [
  jobs.map(
    (batch) =>
      new Step(`enqueue ${fc.stringify(batch)}`, async (model, { queue }) => {
        assert.deepEqual(
          await queue.enqueue(batch),
          batch.map((job) => model.enqueue(job)),
        );
      }),
  ),
  fc.integer({ min: 1, max: 8 }).map(
    (max) =>
      new Step(`lease ${max}`, async (model, { queue }) => {
        model.followLease(await queue.lease({ max, leaseMs: 600_000 }), max);
      }),
  ),
  perTask(
    'started',
    (model, id) => model.started(id),
    (queue, ids) => queue.started(ids),
  ),
  perTask(
    'released',
    (model, id) => model.released(id),
    (queue, ids) => queue.released(ids),
  ),
  perTask(
    'acknowledge',
    (model, id) => model.acknowledge(id),
    (queue, ids) => queue.acknowledge(ids),
  ),
  perTask(
    'give back',
    (model, id) => model.giveBack(id),
    (queue, ids) => queue.giveBack(ids),
  ),
  perTask(
    'give back later',
    (model, id) => model.delay(id),
    (queue, ids) => queue.giveBack(ids, { delayMs: 600_000 }),
  ),
  perTask(
    'remove',
    (model, id) => model.remove(id),
    (queue, ids) => queue.remove(ids),
  ),
  taskIds.map(
    (ids) =>
      new Step(`leases run out ${ids}`, async (model, { redis }) => {
        for (const id of ids) if (model.leased.has(id)) model.leasesRunOut.add(id);
        await runLeasesOut(redis, ids);
      }),
  ),
  taskIds.map(
    (ids) =>
      new Step(`slots run out ${ids}`, async (model, { redis }) => {
        for (const id of ids) if (model.holders.has(id)) model.holdersRunOut.add(id);
        await runHoldersOut(redis, ids);
      }),
  ),
  counts.map(
    (elsewhere) =>
      new Step(`confirm, elsewhere ${fc.stringify(elsewhere)}`, async (model, { queue }) => {
        const counted = new Map(Object.entries(elsewhere));
        model.confirm(counted);
        await queue.confirmSlots(model.openSlots(), counted);
      }),
  ),
  someSettings.map(
    (changed) =>
      new Step(`apply ${fc.stringify(changed)}`, async (model, { queue }) => {
        const isSame =
          model.settings !== null && queueSettingsVersion(model.settings) === queueSettingsVersion(changed);
        model.settings = changed;
        assert.equal(await queue.applySettings(changed), isSame ? 'unchanged' : 'applied');
      }),
  ),
  fc.tuple(jobs, someSettings).map(
    ([source, changed]) =>
      new Step(`rebuild ${fc.stringify(source)} under ${fc.stringify(changed)}`, async (model, { queue }) => {
        model.rebuild(source, changed);
        assert.equal((await queue.rebuild(inBatches(source, 5), changed)).outcome, 'finished');
      }),
  ),
  fc.constant(
    new Step('Redis is emptied', async (model, { redis }) => {
      model.empty();
      await redis.ask((commands) => commands.del(...redis.keys.queue(TASK_QUEUE).all));
    }),
  ),
];

/** Jobs and leases come often, what throws everything away seldom. */
const commands = fc.commands([...steps, ...steps.slice(0, 10), ...steps.slice(0, 4), ...steps.slice(0, 4)], {
  maxCommands: 60,
  size: '+1',
});

describe('the job queue beside a model of it', () => {
  it('C025: breaks no limit, leaves nothing that may start, and keeps the order, in every sequence of calls', async function () {
    this.timeout(300_000);
    const numRuns = process.env.MUSTER_FAULTS === 'large' ? 2_000 : 150;
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const redis = await openTestRedis({ prefix: redisPrefix('model') });
        try {
          await fc.asyncModelRun(() => ({ model: new QueueModel(), real: { redis, queue: queueOn(redis) } }), sequence);
        } finally {
          await redis.close();
        }
      }),
      { numRuns },
    );
  });
});
