import assert from 'node:assert/strict';
import type { Database } from '../../database/transaction.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { carryTogether, leaveTogether } from '../../operations/record/shared-traces.ts';
import type { JobQueue } from '../../redis/job-queue.ts';
import { RedisUnreachable } from '../../redis/redis-errors.ts';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { eventually } from '../support/eventually.ts';
import { sharedStack } from '../support/stack.ts';
import { LARGE } from '../system/faults/world.ts';
import { DispatchBed } from './dispatch-bed.ts';

/** Jobs that wait when the index is lost, and tasks that have started by then. */
const LOST = LARGE ? 100_000 : 2_000;
const STARTED = 200;
/** Places for them: one in twenty is kept for urgent tasks. */
const PLACES = 210;

describe('the reconciler', () => {
  let bed: DispatchBed;
  let temporal: TemporalClient;

  before(async () => {
    const { temporalAddress: address, temporalNamespace: namespace } = await sharedStack();
    temporal = await connectClient({ address, namespace });
  });
  after(() => temporal?.close());
  beforeEach(async () => {
    bed = await DispatchBed.open('reconciler');
  });
  afterEach(() => bed?.close());

  const waiting = async () => {
    const { waiting: bands, intact } = await bed.queue.depth();
    return intact ? bands.high + bands.normal + bands.low : null;
  };

  it('C026, B1: notices within 2 s that the index is gone, and has it whole again within 5 s', async function () {
    this.timeout(300_000);
    await bed.submit({}, STARTED);
    for (let inserted = 0; inserted < LOST; inserted += 2_000) {
      await bed.submit({ tenant: `tenant-${inserted % 10_000}` }, 2_000);
    }
    const noticed: string[] = [];
    const log = { warn: (_: object, message: string) => noticed.push(message) };
    const two = [bed.reconcile({ client: temporal.client, log }), bed.reconcile({ client: temporal.client, log })];
    bed.dispatch({ capacity: PLACES });
    await eventually(() => bed.started.length === STARTED);

    await bed.flush();
    const lostAt = performance.now();
    await eventually(async () => (await waiting()) === LOST, { withinMs: 2_000 + 5_000, what: 'a whole index' });
    const tookMs = performance.now() - lostAt;

    process.stderr.write(`      ${LOST} jobs were back ${Math.round(tookMs)} ms after the loss\n`);
    await eventually(() => noticed.includes('rebuilt the Redis index: it was missing'));
    // Temporal knows none of these tasks, so reconcilers that continued would start them again.
    await Promise.all(two.map((reconciler) => reconciler.stop()));
    await bed.stopDispatchers();
    bed.dispatch({ workerId: 'heir', capacity: 2 * LOST });
    await eventually(() => bed.started.length >= LOST + STARTED, { withinMs: 120_000 });
    assert.equal(new Set(bed.ids).size, LOST + STARTED);
  });

  it('C026: finds jobs that are missing though the marker is there', async () => {
    const ids = await bed.submit({}, 20);
    await bed.queue.remove(ids.slice(0, 5));
    const mender = bed.mender();

    await mender.count();
    assert.equal(await waiting(), 15);
    await mender.count();

    assert.equal(await waiting(), 20);
  });

  it('holds the slots of what runs after a loss, so that nothing starts in its place', async () => {
    await bed.configure({ limits: { 'tenant:*': 3 } });
    await bed.mender().look();
    await bed.submit({}, 10);
    bed.dispatch();
    await eventually(() => bed.started.length === 3);

    await bed.flush();
    await bed.mender().look();

    // Jobs that were leased from the new index are refused by their claims, and give their slots back.
    await eventually(async () => assert.equal((await heldOf('tenant:default')).held, 3));
    const [first] = bed.started;
    assert.ok(first);
    await bed.end(first);
    await eventually(() => bed.started.length === 4);
    assert.equal((await bed.claims.open()).get('tenant:default')?.open, 3);
  });

  it('counts what tasks of other task queues hold', async () => {
    await bed.configure({ limits: { 'tenant:*': 3 } });
    await bed.mender().look();
    const [elsewhere] = await bed.claims.claim(await bed.claims.insert());
    assert.ok(elsewhere);
    await bed.claims.asSuperuser(
      `update muster.tasks set task_queue = 'another' where id = '${elsewhere.execution.taskId}'`,
    );
    await bed.mender().count();

    await bed.submit({}, 5);
    bed.dispatch();

    await eventually(() => bed.started.length === 2);
    assert.deepEqual(await heldOf('tenant:default'), { held: 2, elsewhere: 1 });
  });

  it('frees slots without an open task at every twelfth count, while Redis is unavailable too', async () => {
    const limits = { 'tenant:*': 3 };
    await bed.configure({ limits });
    bed.claims.settings = { ...DEFAULT_QUEUE_SETTINGS, limits };
    await bed.claims.claim(await bed.claims.insert());
    const mender = bed.mender();
    const slotsAfter = async (counts: number) => {
      for (let count = 0; count < counts; count += 1) await assert.rejects(mender.count(), RedisUnreachable);
      return bed.claims.slotCount();
    };
    bed.proxy.set('refuse');
    bed.proxy.closeAll();
    assert.equal(await slotsAfter(2), 1);
    await bed.claims.asSuperuser(`update muster.tasks set status = 'completed', completed_at = now()`);

    assert.equal(await slotsAfter(9), 1);
    assert.equal(await slotsAfter(1), 0);
  });

  it('A8: converges from a crash after any of its steps', async function () {
    this.timeout(120_000);
    await bed.configure({ limits: { 'tenant:*': 2 } });
    await bed.submit({}, 30);
    bed.dispatch();
    await eventually(() => bed.started.length === 2);
    let crashes = 0;

    for (let step = 1; ; step += 1) {
      await bed.flush();
      const dying = new DyingStores(step);
      const doomed = bed.mender(dying.queue(bed.queue), dying.database(bed.claims.database));
      const failed = await doomed
        .look()
        .then(() => doomed.count())
        .then(
          () => false,
          () => true,
        );
      if (!failed) break;
      crashes += 1;
      await eventually(
        async () => {
          const menders = [bed.mender(), bed.mender()];
          await Promise.all(menders.map((mender) => mender.look().then(() => mender.count())));
          // What a process that died was to compare, another one does when it has been silent for long enough.
          return (await waiting()) === 28 && (await heldOf('tenant:default')).held === 2;
        },
        { withinMs: 20_000, everyMs: 200, what: `recovery from a crash at step ${step}` },
      );
    }

    assert.ok(crashes >= 6, `only ${crashes} steps were found`);
    assert.equal(bed.started.length, 2);
  });

  it('A8, G5: starts once what was claimed and never started, and its slot is free when it ends', async () => {
    await bed.configure({ limits: { 'tenant:*': 1 } });
    await bed.mender().look();
    const [lost] = await bed.submit({}, 2);
    const dead = new Error('the process is gone');
    const doomed = bed.dispatch({
      reach: (name) => (name === 'after_claim_before_acknowledge' ? Promise.reject(dead) : Promise.resolve()),
    });
    await eventually(async () => (await bed.claims.slotCount()) === 1);
    await doomed.stop();
    await bed.claims.asSuperuser(
      `update muster.tasks set checked_at = now() - interval '30 seconds' where claimed_at is not null`,
    );

    bed.reconcile({ client: temporal.client });
    bed.reconcile({ client: temporal.client });
    bed.dispatch({ workerId: 'heir' });

    const found = await eventually(() => bed.started[0] ?? false);
    assert.ok(found);
    assert.equal(found.execution.taskId, lost);
    await bed.end(found);
    await eventually(() => bed.started.length === 2);
    assert.equal(new Set(bed.ids).size, 2);
  });

  it('takes a task out of a shared execution that is gone, and starts it paused if its pause was accepted', async () => {
    const tasks = await bed.claims.claim(await bed.claims.insert({ graph: 'swift' }, 2));
    const [held = null, other = null] = tasks;
    assert.ok(held && other);
    const { database } = bed.claims;
    const traces = tasks.map(({ execution }) => execution.traceId);
    await database.inSystem('dispatch', ({ em }) => carryTogether(em, 'tasks/gone', traces));
    const { taskId, tenant } = held.execution;
    assert.equal(await database.inTenant(tenant, ({ em }) => new TaskRepository(em).holdShared(taskId, true)), true);
    await bed.claims.asSuperuser("update muster.tasks set checked_at = now() - interval '1 minute'");

    bed.reconcile({ client: temporal.client });
    await eventually(() => assert.equal(bed.started.length, 2));

    const paused = bed.started.filter((task) => task.standing === 'paused');
    assert.deepEqual(
      paused.map(({ execution }) => execution.taskId),
      [taskId],
    );
  });

  it('starts paused what left a shared execution as paused, if nobody did', async () => {
    const [task] = await bed.claims.claim(await bed.claims.insert({ graph: 'swift' }));
    assert.ok(task);
    const { database, settings } = bed.claims;
    const { taskId, traceId, tenant } = task.execution;
    await database.inSystem('dispatch', ({ em }) => carryTogether(em, 'tasks/gone', [traceId]));
    await database.inTenant(tenant, ({ em }) => new TaskRepository(em).holdShared(taskId, true));
    const log = { error: (_: object, message: string) => assert.fail(message) };
    await leaveTogether({ database, settings, log }, 'tasks/gone', [traceId]);

    bed.reconcile({ client: temporal.client });
    await eventually(() => assert.equal(bed.started.length, 1));

    const [started] = bed.started;
    assert.deepEqual([started?.execution.taskId, started?.standing], [taskId, 'paused']);
  });

  async function heldOf(key: string): Promise<{ held: number; elsewhere: number }> {
    const { limits } = await bed.queue.view();
    const { held = 0, elsewhere = 0 } = limits.find((one) => one.key === key) ?? {};
    return { held, elsewhere };
  }
});

/** Stores that fail from the given call on, as they do for a process that dies there. */
class DyingStores {
  #left: number;

  constructor(step: number) {
    this.#left = step;
  }

  queue(queue: JobQueue): JobQueue {
    return this.#dying(queue);
  }

  database(database: Database): Database {
    return { ...database, single: this.#dying(database.single) };
  }

  #dying<Store extends object>(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          this.#left -= 1;
          return this.#left > 0 ? value.apply(target, args) : Promise.reject(new Error('the process is gone'));
        };
      },
    });
  }
}
