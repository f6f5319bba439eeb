import assert from 'node:assert/strict';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS, limitOfKey } from '../../domain/queues/queue-settings.ts';
import { WaitingRepository } from '../../entities/tasks/waiting-repository.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import { eventually } from '../support/eventually.ts';
import { TASK_QUEUE } from './claim-bed.ts';
import { DispatchBed } from './dispatch-bed.ts';

describe('a dispatcher', () => {
  let bed: DispatchBed;

  beforeEach(async () => {
    bed = await DispatchBed.open('dispatch');
  });
  afterEach(() => bed?.close());

  const startedCount = (count: number, withinMs = 10_000) =>
    eventually(() => bed.started.length === count, { what: `${count} starts`, withinMs });

  it('starts every task once, no matter who dispatches', async () => {
    const ids = await bed.submit({}, 1_200);
    for (const workerId of ['one', 'two', 'three']) bed.dispatch({ workerId });

    await startedCount(1_200);

    assert.deepEqual(bed.ids.toSorted(), ids.toSorted());
    const { waiting, leased } = await bed.queue.depth();
    assert.deepEqual([waiting, leased], [{ high: 0, normal: 0, low: 0 }, 0]);
  });

  it('takes no more than it has room for, and the next as soon as one ends', async () => {
    await bed.submit({}, 10);
    bed.dispatch({ capacity: 3 });
    await startedCount(3);
    const [first] = bed.started;
    assert.ok(first);

    await bed.end(first);

    await startedCount(4, 1_000);
    const { waiting } = await bed.queue.depth();
    assert.equal(waiting.normal, 6);
  });

  it('takes further tasks while those that it carries out are paused or wait', async () => {
    await bed.submit({}, 6);
    const dispatcher = bed.dispatch({ capacity: 2 });
    await startedCount(2);
    const [paused, limited] = bed.started;
    assert.ok(paused && limited);

    await bed.claims.asSuperuser(`update muster.tasks set status = 'paused' where id = '${paused.execution.taskId}'`);
    await bed.claims.asSuperuser(`insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts)
      values (gen_random_uuid(), 'default', '${limited.execution.traceId}', 'work', 'slow-step', 'agent', 'pending', 1)`);

    await startedCount(4);
    assert.deepEqual(dispatcher.load, { free: 0, claimed: 4, heldPlaces: 0 });
  });

  it('frees the place of a task whose row is gone', async () => {
    const [gone] = await bed.submit({}, 1);
    bed.dispatch({ capacity: 1 });
    await startedCount(1);
    await bed.claims.asSuperuser(`delete from muster.tasks where id = '${gone}'`);

    await bed.submit({}, 1);

    await startedCount(2);
  });

  it('fails tasks whose claims PostgreSQL refuses, for reasons known and unknown, and starts those beside them', async () => {
    const ids = await bed.claims.insert({}, 20);
    const [doomed, damaged] = ids;
    await bed.claims.asSuperuser(`
      create function muster.refuse_claim() returns trigger language plpgsql as $$
        begin raise exception 'invalid page in block 7' using errcode = 'XX001'; end $$;
      create trigger refuse_claim before update on muster.tasks for each row
        when (new.id = '${damaged}' and new.status = 'in_progress') execute function muster.refuse_claim()`);
    // A trace that the task does not know of, as after a row was restored from an older backup.
    await bed.claims.asSuperuser(`insert into muster.agent_traces (id, tenant_id, task_id, number, graph_id, workflow_id)
      select gen_random_uuid(), tenant_id, id, 1, graph_id, 'task/' || id || '/1' from muster.tasks where id = '${doomed}'`);
    const jobs = await bed.claims.database.single.inSystem('relay', ({ em }) => new WaitingRepository(em).among(ids));
    await bed.queue.enqueue(jobs);

    bed.dispatch();

    await startedCount(18);
    await eventually(async () => {
      const failed = await bed.claims.database.inSystem('inspect', ({ em }) =>
        sql<{ status: string; reason: string }>`select status, dead_letter_reason as reason from muster.tasks
          where id in (${doomed}, ${damaged})`
          .execute(em.getKysely())
          .then(({ rows }) => rows),
      );
      const refused = { status: 'failed', reason: 'write_refused' };
      assert.deepEqual(failed, [refused, refused]);
    });
  });

  it('C019: starts a user’s tasks one after the other and in order, while others go beside them', async () => {
    const ofAda = await bed.submit({ user: 'ada' }, 5);
    const ofBen = await bed.submit({ user: 'ben' });
    for (const workerId of ['one', 'two']) bed.dispatch({ workerId });

    await startedCount(2);
    assert.deepEqual(bed.ids.toSorted(), [...ofAda.slice(0, 1), ...ofBen].toSorted());
    for (let ended = 0; ended < 5; ended += 1) {
      const running = await eventually(
        () => bed.started.find((task) => task.execution.taskId === ofAda[ended]) ?? false,
      );
      assert.ok(running);
      await bed.end(running);
    }

    assert.deepEqual(
      bed.ids.filter((id) => ofAda.includes(id)),
      ofAda,
    );
  });

  for (const workers of [2, 4]) {
    it(`never lets more run than the limits allow, with ${workers} dispatchers`, async () => {
      const limits = { 'user:*': 1, 'tenant:*': 6, 'graph:swift': 3, 'key:acme/a': 2 };
      await bed.configure({ limits });
      await bed.mender().look();
      const kinds = [
        {},
        { tenant: 'acme', key: 'a' },
        { graph: 'swift', user: 'ada' },
        { tenant: 'acme', graph: 'swift' },
      ];
      for (const traits of kinds) await bed.submit(traits, 20);
      for (let worker = 0; worker < workers; worker += 1) bed.dispatch({ workerId: `worker-${worker}`, capacity: 8 });
      const full = new Set<string>();

      for (let ended = 0; ended < 80; ) {
        const running = await eventually(() => bed.started.length > ended && bed.started.slice(ended));
        for (const [key, { open, slots }] of await bed.claims.open()) {
          const most = limitOfKey({ ...DEFAULT_QUEUE_SETTINGS, limits }, key);
          if (most === null) continue;
          assert.ok(open <= most, `${open} run with ${key}, which has a limit of ${most}`);
          assert.equal(slots, open);
          if (open === most) full.add(key);
        }
        assert.ok(running);
        await Promise.all(running.map((task) => bed.end(task)));
        ended += running.length;
      }

      assert.equal(new Set(bed.ids).size, 80);
      assert.ok(full.size >= 3, `only ${[...full]} were ever full`);
    });
  }

  it('sees what it can carry out behind any number of jobs that only others can', async () => {
    await bed.submit({ graph: 'single', priority: 1 }, 2_500);
    const hosted = await bed.submit({ graph: 'swift' });
    bed.dispatch({ handlers: ['agent:quick-step'] });

    await startedCount(1);

    assert.deepEqual(bed.ids, hosted);
  });

  it('takes a job out whose task no longer waits, and puts it back if the task waits again by then', async () => {
    const [gone, resumed] = await bed.submit({}, 2);
    await bed.claims.asSuperuser(`update muster.tasks set status = 'deferred', held_at = now()`);
    const queue = new Proxy(bed.queue, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'acknowledge') return value.bind(target);
        return async (...input: unknown[]) => {
          const back = `update muster.tasks set status = 'pending', held_at = null where id = '${resumed}'`;
          await bed.claims.asSuperuser(back);
          return value.apply(target, input);
        };
      },
    });

    bed.dispatch({ queue });

    await startedCount(1);
    assert.deepEqual(bed.ids, [resumed]);
    await eventually(async () => {
      const { waiting, leased } = await bed.queue.depth();
      return waiting.normal + leased === 0;
    });
    assert.ok(gone);
  });

  for (const redis of ['with', 'without']) {
    it(`C025: gives the lowest band its share of the starts under a limit, ${redis} Redis`, async () => {
      await bed.configure({ limits: { 'graph:*': 1 } });
      await bed.mender().look();
      const submit = redis === 'with' ? bed.submit.bind(bed) : bed.claims.insert.bind(bed.claims);
      const low = await submit({ priority: 8 }, 1);
      await submit({ priority: 2 }, 40);
      if (redis === 'without') {
        bed.proxy.set('refuse');
        bed.proxy.closeAll();
      }
      bed.dispatch();

      for (let ended = 0; !bed.ids.includes(low[0] as TaskId); ended += 1) {
        await eventually(() => bed.started.length > ended, { what: 'the next start' });
        const running = bed.started[ended];
        if (running) await bed.end(running);
      }

      assert.ok(bed.started.length <= 22, `the low task was the ${bed.started.length}th to start`);
    });
  }

  it('works on from PostgreSQL while Redis is unavailable, in order of bands and within limits', async () => {
    bed.proxy.set('refuse');
    bed.proxy.closeAll();
    await bed.configure({ limits: { 'graph:swift': 1 } });
    const low = await bed.claims.insert({ priority: 8 }, 3);
    const limited = await bed.claims.insert({ priority: 1, graph: 'swift' }, 3);
    const high = await bed.claims.insert({ priority: 2 }, 3);
    bed.dispatch({ capacity: 5 });

    await startedCount(5);
    const [first] = bed.started;
    assert.ok(first);
    assert.deepEqual(bed.ids, [...limited.slice(0, 1), ...high, ...low.slice(0, 1)]);

    await bed.end(first);
    await startedCount(6);
    assert.equal(bed.ids[5], limited[1]);
  });

  for (const reply of [
    'MOVED 866 127.0.0.1:1',
    'NOPERM No permission',
    'WRONGTYPE Operation',
    'WHOKNOWS what this is',
  ]) {
    it(`works on from PostgreSQL while Redis answers ${reply}, says so once, and comes back`, async () => {
      let refuses = true;
      const ask: typeof bed.redis.ask = (question) => {
        const refuse = (redis: Parameters<typeof question>[0]) =>
          redis.eval('return redis.error_reply(ARGV[1])', 0, reply);
        return bed.redis.ask(refuses ? (redis) => refuse(redis) as Promise<never> : question);
      };
      const reports: string[] = [];
      const log = {
        warn: (facts: object, message: string) => void reports.push(`${message} ${JSON.stringify(facts)}`),
      };
      const queue = new JobQueue({ ...bed.redis, ask }, { taskQueue: TASK_QUEUE });
      const dispatcher = bed.dispatch({ queue, log });
      for (let round = 1; round <= 3; round += 1) {
        await bed.claims.insert({}, 5);
        dispatcher.hint();
        await startedCount(5 * round);
      }
      const said = reports.filter(
        (report) => /^Redis is unavailable; .*PostgreSQL/.test(report) && report.includes(reply),
      );
      assert.equal(said.length, 1, reports.join('\n'));

      refuses = false;
      await eventually(() => bed.submit({}, 5), { what: 'the queue' });

      await startedCount(20);
      assert.match(reports.at(-1) ?? '', /^Redis answers again/);
    });
  }

  it('comes back to Redis by itself', async () => {
    bed.proxy.set('refuse');
    bed.proxy.closeAll();
    bed.dispatch();
    await bed.claims.insert({}, 5);
    await startedCount(5);

    bed.proxy.set('pass');
    await eventually(() => bed.submit({}));

    await eventually(() => bed.started.length > 5);
    await eventually(async () => (await bed.queue.depth()).leased === 0);
  });
});
