import assert from 'node:assert/strict';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { JobQueue } from '../../redis/job-queue.ts';
import { eventually } from '../support/eventually.ts';
import { ScheduleBed } from './schedule-bed.ts';

/** A Temporal in which these cancels succeed; all other workflows are not there. */
const temporalThatCancels = (known: string, cancelled: string[]) =>
  ({
    withDeadline: (_: unknown, ask: () => Promise<unknown>) => ask(),
    workflow: {
      getHandle: (workflowId: string) => ({
        cancel: async () => {
          if (!workflowId.includes(known)) throw new WorkflowNotFoundError('not there', workflowId, undefined);
          cancelled.push(workflowId);
        },
      }),
    },
  }) as unknown as Client;

describe('the relay', () => {
  let bed: ScheduleBed;

  before(async () => {
    bed = await ScheduleBed.open('relay');
  });
  after(() => bed?.close());
  afterEach(async () => {
    await bed.stopLoops();
    await bed.tasks.asSuperuser('delete from muster.outbox; delete from muster.tasks');
    await bed.redis.ask((redis) => redis.del([...bed.redis.keys.queue('claims').all]));
  });

  const waiting = async () => {
    const { waiting: bands } = await bed.queue.depth();
    return bands.high + bands.normal + bands.low;
  };
  const askToCancel = (ids: readonly string[]) =>
    bed.tasks.asSuperuser(`update muster.tasks set cancel_requested_at = now()
      where id in (${ids.map((id) => `'${id}'`).join(', ')});
      insert into muster.outbox (tenant_id, topic, task_id, created_at)
      select tenant_id, 'task.cancelled', id, now() - interval '1 minute' from muster.tasks
      where id in (${ids.map((id) => `'${id}'`).join(', ')})`);

  it('puts those tasks of a submit that still wait into the queue, and no others', async () => {
    const ids = await bed.tasks.insert({}, 1_200);
    await bed.set(ids.slice(0, 100), "status = 'cancelled', completed_at = now()");
    await bed.tasks.claim(ids.slice(100, 200));
    await bed.announceSubmit(ids.slice(0, 1_000));
    await bed.announceSubmit(ids.slice(1_000));

    bed.startRelay();
    await eventually(async () => assert.equal(await bed.unsent(), 0));

    assert.equal(await waiting(), 1_000);
  });

  it('carries out of the outbox what older versions left there, one task a row', async () => {
    const ids = await bed.tasks.insert({}, 3);
    await bed.tasks.asSuperuser(`insert into muster.outbox (tenant_id, topic, task_id, created_at)
      select tenant_id, 'task.submitted', id, now() - interval '1 minute' from muster.tasks`);

    bed.startRelay();
    await eventually(async () => assert.equal(await bed.unsent(), 0));

    assert.equal(await waiting(), ids.length);
  });

  it('does not cancel a task whose wish to be cancelled a redrive has taken back', async () => {
    const [id] = await bed.tasks.insert({}, 1);
    assert.ok(id !== undefined);
    await bed.tasks.claim([id]);
    await askToCancel([id]);
    await bed.set([id], 'cancel_requested_at = null');
    const cancelled: string[] = [];

    bed.startRelay({ client: temporalThatCancels(id, cancelled) });
    await eventually(async () => assert.equal(await bed.unsent(), 0));

    assert.deepEqual(cancelled, []);
  });

  it('is not held up by a store that is unavailable for what goes to another one', async () => {
    const [running, dependency, ...others] = await bed.tasks.insert({}, 4);
    const [dependent] = await bed.tasks.insert({}, 1);
    assert.ok(running !== undefined && dependency !== undefined && dependent !== undefined);
    await bed.set([dependent], "status = 'blocked'");
    await bed.dependOn(dependent, [dependency]);
    await bed.tasks.claim([running]);
    await bed.claimAndEnd(dependency);
    await bed.announceSubmit(others);
    await askToCancel([running]);
    await bed.ageOutbox();
    const cancelled: string[] = [];
    const away = () => Promise.reject(new Error('Redis is unavailable'));
    const noQueue = { enqueue: away, released: away } as unknown as JobQueue;

    bed.startRelay({ client: temporalThatCancels(running, cancelled), queueFor: () => noQueue });
    await eventually(async () => assert.equal(await bed.statusOf(dependent), 'pending'));
    await eventually(() => assert.equal(cancelled.length, 1));
    await bed.stopLoops();

    const unsent = await bed.query<{ topic: string; last_error: string }>(
      'select distinct topic, last_error from muster.outbox where sent_at is null and attempts > 0 order by topic',
    );
    assert.deepEqual(unsent, [
      { topic: 'task.finished', last_error: 'Redis is unavailable' },
      { topic: 'task.submitted', last_error: 'Redis is unavailable' },
    ]);
    bed.startRelay();
    await eventually(async () => assert.equal(await bed.unsent(), 0));
    assert.equal(await waiting(), others.length + 1);
  });

  it('is not held up by cancels whose workflows are not there', async () => {
    const ids = await bed.tasks.insert({}, 130);
    await bed.tasks.claim(ids);
    await askToCancel(ids);
    const last = ids.at(-1) ?? '';
    const cancelled: string[] = [];

    bed.startRelay({ client: temporalThatCancels(last, cancelled) });
    await eventually(() => assert.ok(cancelled.length > 0), { withinMs: 20_000 });

    await eventually(async () => assert.equal(await bed.unsent(), ids.length - 1));
  });

  it('sends the others of a batch although Redis refuses one of them, which comes again less and less often', async () => {
    const ids = await bed.tasks.insert({}, 10);
    const [bad] = ids;
    for (const id of ids) await bed.announceSubmit([id]);
    const enqueue = async (jobs: readonly { taskId: string }[]) => {
      if (jobs.some((job) => job.taskId === bad)) throw new Error('ERR what is this');
      return bed.queue.enqueue(jobs as never);
    };

    bed.startRelay({ queueFor: () => ({ enqueue }) as unknown as JobQueue });
    await eventually(async () => assert.equal(await bed.unsent(), 1));

    assert.equal(await waiting(), ids.length - 1);
    await eventually(async () => {
      const [row] = await bed.query<{
        attempts: number;
        wait: number;
        last_error: string;
      }>(`select attempts, last_error,
        extract(epoch from next_try_at - now())::float8 as wait from muster.outbox where sent_at is null`);
      assert.equal(row?.last_error, 'ERR what is this');
      assert.ok(row.attempts >= 2 && row.wait > 1);
    });
  });

  it('gives up a row that PostgreSQL refuses to follow, and carries out those beside it', async () => {
    const [broken, whole] = await bed.tasks.insert({}, 2);
    assert.ok(broken !== undefined && whole !== undefined);
    const daily = `recurrence = '{"every":"daily","timezone":"UTC","anchor":"2026-01-01T09:00:00.000Z"}'`;
    // The deadline of its successor would lie after the last one that PostgreSQL can store.
    await bed.set([broken], `${daily}, deadline_at = '294276-12-31 23:00:00+00'`);
    await bed.set([whole], daily);
    for (const id of [broken, whole]) await bed.claimAndEnd(id);
    await bed.ageOutbox();
    const told: string[] = [];

    bed.startRelay({ log: { warn: (_, message) => told.push(message) } });
    await eventually(async () => assert.equal(await bed.unsent(), 0));

    const followed = await bed.query<{ predecessor_id: string }>(
      'select predecessor_id from muster.tasks where predecessor_id is not null',
    );
    assert.deepEqual(followed, [{ predecessor_id: whole }]);
    const refused = await bed.query<{ task_id: string }>(
      'select task_id from muster.outbox where refused_at is not null and last_error is not null',
    );
    assert.deepEqual(refused, [{ task_id: broken }]);
    assert.deepEqual(told, ['outbox row permanently rejected; giving up on it']);
  });

  it('frees the slots of ended tasks in Redis', async () => {
    const [task] = await bed.tasks.insert({ user: 'u' });
    assert.ok(task !== undefined);
    await bed.claimAndEnd(task);
    await bed.ageOutbox();
    const released: string[][] = [];
    const queue = {
      released: async (ids: string[]) => void released.push(ids),
    } as unknown as JobQueue;

    bed.startRelay({ queueFor: () => queue });
    await eventually(async () => assert.equal(await bed.unsent(), 0));

    assert.deepEqual(released, [[task]]);
  });
});
