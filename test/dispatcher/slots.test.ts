import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS, limitOfKey, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { freeStaleSlots } from '../../entities/tasks/statements/free-stale-slots.ts';
import { takeMissingSlots } from '../../entities/tasks/statements/take-missing-slots.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { endFromOutside } from '../../operations/record/end-from-outside.ts';
import { Recorder } from '../../operations/record/recorder.ts';
import { claimTasks } from '../../operations/tasks/claim.ts';
import { LARGE } from '../system/faults/world.ts';
import { ClaimBed, HANDLERS, TASK_QUEUE, type TaskTraits } from './claim-bed.ts';

const RUNS = LARGE ? 40 : 6;

describe('the slots of a limited key', () => {
  let bed: ClaimBed;

  beforeEach(async () => {
    bed = await ClaimBed.open('slots', 10);
  });
  afterEach(() => bed?.close());

  const limit = (limits: Record<string, number>, paused: readonly string[] = []) => {
    bed.settings = { ...DEFAULT_QUEUE_SETTINGS, limits: { ...DEFAULT_QUEUE_SETTINGS.limits, ...limits }, paused };
  };
  const mended = (mend: typeof freeStaleSlots) =>
    bed.database.single.inSystem('reconcile', ({ em }) => mend(em, bed.settings));

  const each: readonly [string, TaskTraits, TaskTraits][] = [
    ['tenant:acme', { tenant: 'acme' }, { tenant: 'other' }],
    ['user:acme/ada', { tenant: 'acme', user: 'ada' }, { tenant: 'acme', user: 'ben' }],
    ['graph:swift', { graph: 'swift' }, { graph: 'single' }],
    ['key:acme/build', { tenant: 'acme', key: 'build' }, { tenant: 'acme', key: 'deploy' }],
  ];
  for (const [key, counted, free] of each) {
    it(`limit the open tasks with ${key}, and no others`, async () => {
      limit({ [key]: 2 });
      const [limited, others] = [await bed.insert(counted, 5), await bed.insert(free)];

      const claimed = await bed.claim([...limited, ...others]);

      const ids = claimed.map((task) => task.execution.taskId).toSorted();
      assert.deepEqual(ids, [...limited.slice(0, 2), ...others].toSorted());
      assert.deepEqual(await bed.claimIds(limited), []);
      const first = claimed.find((task) => limited.includes(task.execution.taskId));
      assert.ok(first);
      await bed.end(first);
      assert.deepEqual(await bed.claimIds(limited), [limited[2]]);
    });
  }

  it('limit the open tasks with an agent, over all tenants', async () => {
    limit({ 'agent:slow-step': 2 });
    const ids = [...(await bed.insert({ tenant: 'acme' }, 2)), ...(await bed.insert({ tenant: 'other' }, 2))];

    assert.equal((await bed.claim(ids)).length, 2);
  });

  it('are not taken by a task that lacks a slot of another key, so the one behind it may start', async () => {
    limit({ 'key:default/narrow': 1, 'graph:single': 2 });
    const [blocker, narrow] = await bed.insert({ key: 'narrow' }, 2);
    const [wide] = await bed.insert();
    assert.ok(blocker && narrow && wide);
    assert.deepEqual(await bed.claimIds([blocker]), [blocker]);

    assert.deepEqual(await bed.claimIds([narrow, wide]), [wide]);
  });

  it('are taken by the first in line, in whatever order they are asked for', async () => {
    limit({ 'tenant:*': 3 });
    const low = await bed.insert({ priority: 9 }, 3);
    const high = await bed.insert({ priority: 1 }, 2);

    const claimed = await bed.claimIds([...low, ...high].reverse());

    assert.deepEqual(claimed.toSorted(), [...high, ...low.slice(0, 1)].toSorted());
  });

  it('are given again to a claim that is repeated after its answer was lost', async () => {
    limit({ 'tenant:*': 1 });
    const ids = await bed.insert();
    const traceId = crypto.randomUUID();

    const [first, again] = [await bed.claim(ids, 'one', traceId), await bed.claim(ids, 'one', traceId)];

    assert.equal(first.length, 1);
    assert.deepEqual(again, first);
    assert.deepEqual(await bed.open(), await bed.open());
    assert.equal((await bed.open()).get('tenant:default')?.slots, 1);
  });

  it('are free after every kind of end, from outside too', async () => {
    limit({ 'tenant:*': 10 });
    const graphs = new GraphCache(bed.database);
    const claimed = await bed.claim(await bed.insert({}, 4));
    const [completed, failed, cancelled, outside] = claimed.map((task) => task.execution);
    assert.ok(completed && failed && cancelled && outside);
    const failure = { code: 'task_failed', message: 'no' };
    const ends = [
      { execution: completed, status: 'completed' as const, failure: null },
      { execution: failed, status: 'failed' as const, failure },
      { execution: cancelled, status: 'cancelled' as const, failure },
    ];

    for (const end of ends) {
      await bed.database.inTenant(end.execution.tenant, ({ em }) =>
        new Recorder(em).taskEnded({ ...end, output: NOTHING_STORED, reply: '' }),
      );
    }
    await endFromOutside({ database: bed.database, graphs }, outside, { status: 'failed', failure, terminate: false });

    assert.equal(await bed.slotCount(), 0);
  });

  it('survive an end under a stale fence', async () => {
    limit({ 'tenant:*': 1 });
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task);

    await bed.end({ ...task, execution: { ...task.execution, fence: task.execution.fence - 1 } });

    assert.equal(await bed.slotCount(), 1);
  });

  it('that no open claim holds are freed by the reconciler, and only those', async () => {
    limit({ 'tenant:*': 10 });
    const [gone, stale, open] = await bed.claim(await bed.insert({}, 3));
    assert.ok(gone && stale && open);
    await bed.asSuperuser(
      `update muster.tasks set status = 'completed', completed_at = now() where id = '${gone.execution.taskId}'`,
    );
    await bed.asSuperuser(`update muster.tasks set fence = fence + 1 where id = '${stale.execution.taskId}'`);

    assert.equal(await mended(freeStaleSlots), 2);
    assert.equal(await mended(freeStaleSlots), 0);
    assert.equal(await bed.slotCount(), 1);
  });

  it('count what runs already once a limit is new, and a lowered one lets nothing start above it', async () => {
    const ids = await bed.insert({}, 8);
    const running = await bed.claim(ids.slice(0, 4));
    limit({ 'tenant:*': 3 });

    assert.equal(await mended(takeMissingSlots), 4);
    assert.equal(await mended(takeMissingSlots), 0);
    const startedAfter: number[] = [];
    for (const task of running) {
      await bed.end(task);
      startedAfter.push((await bed.claim(ids)).length);
    }

    assert.deepEqual(startedAfter, [0, 1, 1, 1]);
    assert.equal((await bed.open()).get('tenant:default')?.open, 3);
  });

  it('open the way for another trace of a task, which names the one before it', async () => {
    limit({ 'tenant:*': 1 });
    const ids = await bed.insert();
    const [first] = await bed.claim(ids);
    assert.ok(first);
    await bed.end(first, 'failed');
    await bed.asSuperuser(`update muster.tasks set status = 'pending', completed_at = null, error = null,
      dead_lettered_at = null, dead_letter_reason = null`);

    const [second] = await bed.claim(ids);

    const traces = await bed.database.inTenant('default', ({ em }) =>
      new TraceRepository(em).list(first.execution.taskId),
    );
    assert.deepEqual(
      traces.map((trace) => [trace.id, trace.originTraceId]),
      [
        [first.execution.traceId, null],
        [second?.execution.traceId, first.execution.traceId],
      ],
    );
  });

  for (const target of ['band:normal', 'tenant:default', 'graph:single']) {
    it(`are not needed to hold back what is paused: ${target}`, async () => {
      const ids = await bed.insert({ user: 'ada' }, 2);
      const elsewhere = await bed.insert({ tenant: 'acme', graph: 'swift', priority: 9 });
      limit({}, [target]);

      assert.deepEqual(await bed.ready(10), elsewhere);
      assert.deepEqual(await bed.claimIds([...ids, ...elsewhere]), elsewhere);
      limit({});
      assert.deepEqual((await bed.ready(10)).toSorted(), ids);
      assert.deepEqual(await bed.claimIds(ids), ids.slice(0, 1));
    });
  }

  it('C019: let a user’s task pass an earlier one that is paused or has no room elsewhere', async () => {
    const [paused] = await bed.insert({ user: 'ada', graph: 'swift' });
    const [next] = await bed.insert({ user: 'ada' });
    assert.ok(paused && next);
    limit({}, ['graph:swift']);

    assert.deepEqual(await bed.claimIds([next]), [next]);
  });

  it('are never more than the limit, nor fewer than could be used, with claims and ends at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        await race(given);
      }),
      { numRuns: RUNS },
    );
  });

  /** Claims and ends random tasks with several workers at once, looking at the limits after every claim. */
  async function race({ limits, tasks, workers, seed }: Scenario): Promise<void> {
    await bed.asSuperuser('truncate muster.tasks cascade');
    bed.settings = { ...DEFAULT_QUEUE_SETTINGS, limits };
    const pending: TaskId[] = [];
    for (const { count, ...traits } of tasks) pending.push(...(await bed.insert(traits, count)));
    const total = pending.length;
    const random = mulberry(seed);
    let ended = 0;
    let looks = 0;
    const check = async () => {
      looks += 1;
      for (const [key, { open, slots: held }] of await bed.open()) {
        const most = limitOfKey(bed.settings, key);
        assert.ok(most === null || open <= most, `${open} open with ${key}, which has a limit of ${most}`);
        assert.ok(most === null || held === open, `${held} slots for ${open} open with ${key}`);
      }
    };
    const work = async (workerId: string) => {
      while (ended < total) {
        const sample = pending.filter(() => random() < 0.5).slice(0, 20);
        const { claimed } = await claimTasks(options(workerId), sample.length === 0 ? pending.slice(0, 5) : sample);
        await check();
        for (const task of claimed) {
          await bed.end(task);
          ended += 1;
        }
        for (const task of claimed) pending.splice(pending.indexOf(task.execution.taskId), 1);
      }
    };
    await Promise.all(Array.from({ length: workers }, (_, index) => work(`worker-${index}`)));
    assert.ok(looks > 0 && ended === total);
    assert.equal(await bed.slotCount(), 0);
  }

  const options = (workerId: string) => ({
    database: bed.database,
    settings: { current: () => Promise.resolve(bed.settings) },
    claimant: { workerId, taskQueue: TASK_QUEUE, handlers: HANDLERS },
    log: { error: () => undefined },
  });
});

interface Scenario {
  readonly limits: QueueSettings['limits'];
  readonly tasks: readonly (TaskTraits & { count: number })[];
  readonly workers: number;
  readonly seed: number;
}

const most = fc.integer({ min: 1, max: 4 });
const scenario: fc.Arbitrary<Scenario> = fc.record({
  limits: fc.record({
    'user:*': most,
    'tenant:*': fc.integer({ min: 2, max: 8 }),
    'graph:swift': most,
    'agent:slow-step': fc.integer({ min: 3, max: 10 }),
    'key:acme/a': most,
  }),
  tasks: fc.array(
    fc.record({
      tenant: fc.constantFrom('acme', 'default'),
      user: fc.constantFrom(null, 'ada', 'ben'),
      graph: fc.constantFrom('single', 'swift'),
      key: fc.constantFrom(null, 'a', 'b'),
      priority: fc.constantFrom(2, 5, 8),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 5, maxLength: 12 },
  ),
  workers: fc.constantFrom(2, 4),
  seed: fc.integer(),
});

/** A small generator of numbers from 0 up to 1, the same for the same seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
