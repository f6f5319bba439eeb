import assert from 'node:assert/strict';
import type { TaskId } from '../../domain/ids.ts';
import { analyzeGrown } from '../../entities/system/statistics.ts';
import { DependencyRepository } from '../../entities/tasks/dependency-repository.ts';
import { ScheduleRepository } from '../../entities/tasks/schedule-repository.ts';
import { eventually } from '../support/eventually.ts';
import { ScheduleBed } from './schedule-bed.ts';

const DAILY = `'{"every":"daily","timezone":"UTC","anchor":"2026-01-01T09:00:00.000Z"}'`;

describe('what is due', () => {
  let bed: ScheduleBed;

  before(async () => {
    bed = await ScheduleBed.open('sweeper');
  });
  after(() => bed?.close());
  afterEach(async () => {
    await bed.stopLoops();
    await bed.tasks.asSuperuser(`delete from muster.outbox; delete from muster.task_dependencies;
      delete from muster.tasks`);
  });

  const insertOne = async (assignments?: string): Promise<TaskId> => {
    const [id] = await bed.tasks.insert();
    assert.ok(id !== undefined);
    if (assignments !== undefined) await bed.set([id], assignments);
    return id;
  };
  const successorsOf = (id: TaskId) =>
    bed.query<{ id: TaskId; status: string; start_after: Date }>(
      'select id, status, start_after from muster.tasks where predecessor_id = $1',
      [id],
    );
  const audited = async (id: TaskId, action: string) =>
    (await bed.query('select from muster.audit_log where subject_id = $1 and action = $2', [id, action])).length;

  it('is analysed as soon as it has grown tenfold, and again when it has grown so much again', async () => {
    const analysed = async () => {
      const [row] = await bed.query<{
        rows: number;
        count: number;
      }>(`select c.reltuples as rows, s.analyze_count as count
        from pg_stat_user_tables s join pg_class c on c.oid = s.relid where s.relname = 'tasks'`);
      return { rows: row?.rows ?? 0, count: Number(row?.count) };
    };
    const { count } = await analysed();
    await bed.tasks.insert({}, 500);

    bed.startSweeper();
    const first = await eventually(async () => {
      const found = await analysed();
      assert.ok(found.count > count);
      return found;
    });
    await bed.tasks.insert({}, 1_000);
    const again = () => bed.tasks.database.single.inSystem('dispatch', ({ em }) => analyzeGrown(em));
    const early = await again();
    await bed.tasks.insert({}, 4_000);
    await eventually(async () => assert.ok((await again()).includes('tasks')));

    assert.equal(first.rows, 500);
    assert.ok(!early.includes('tasks'));
  });

  it('is let go once, however many look: each deferred task by one of several sweepers', async () => {
    const ids = await bed.tasks.insert({}, 1_500);
    await bed.set(ids, "status = 'deferred', start_after = now() - interval '1 second'");
    const later = await insertOne("status = 'deferred', start_after = now() + interval '1 hour'");
    const held = await insertOne("status = 'deferred', start_after = now() - interval '1 hour', held_at = now()");

    const looks = Array.from({ length: 6 }, () =>
      bed.tasks.database.single.inSystem('dispatch', ({ em }) => new ScheduleRepository(em).releaseDue(500)),
    );
    const moved = (await Promise.all(looks)).flat();
    bed.startSweeper();
    bed.startSweeper();
    await eventually(async () => {
      const rows = await bed.query("select from muster.tasks where status = 'pending'");
      assert.equal(rows.length, ids.length);
    });
    await bed.stopLoops();

    assert.equal(new Set(moved.map((job) => job.taskId)).size, moved.length);
    const [named] = await bed.query<{ n: number; different: number }>(`
      select count(*)::int as n, count(distinct i.id)::int as different
      from muster.outbox o, jsonb_array_elements_text(o.payload -> 'taskIds') as i(id) where topic = 'task.submitted'`);
    assert.deepEqual(named, { n: 1_500, different: 1_500 });
    assert.deepEqual([await bed.statusOf(later), await bed.statusOf(held)], ['deferred', 'deferred']);
  });

  it('fails at its deadline whatever still waits, once, and leaves alone what runs', async () => {
    const late = await Promise.all(
      ['pending', 'deferred', 'blocked'].map((status) =>
        insertOne(`status = '${status}', deadline_at = now() - interval '1 second'`),
      ),
    );
    const [running] = await bed.tasks.insert();
    const early = await insertOne("deadline_at = now() + interval '1 hour'");
    assert.ok(running !== undefined);
    await bed.tasks.claim([running]);
    await bed.set([running], "deadline_at = now() - interval '1 second'");

    bed.startSweeper();
    bed.startSweeper();
    await eventually(async () => {
      for (const id of late) assert.equal(await bed.statusOf(id), 'failed');
    });
    await bed.stopLoops();

    for (const id of late) {
      const [row] = await bed.query<{ code: string; reason: string; dead: boolean }>(
        `select error ->> 'code' as code, dead_letter_reason as reason, dead_lettered_at is not null as dead
        from muster.tasks where id = $1`,
        [id],
      );
      assert.deepEqual(row, { code: 'deadline_exceeded', reason: 'deadline_exceeded', dead: true });
      assert.equal(await audited(id, 'task.failed'), 1);
    }
    assert.deepEqual([await bed.statusOf(running), await bed.statusOf(early)], ['in_progress', 'pending']);
  });

  it('C027: is exactly one successor, however many relays, sweepers and processes make it at once', async () => {
    const task = await insertOne(`recurrence = ${DAILY}, due_date = now()`);
    await bed.claimAndEnd(task);
    await bed.ageOutbox();

    bed.startRelay();
    bed.startRelay();
    bed.startSweeper();
    await Promise.all(Array.from({ length: 10 }, () => bed.consequences.of([task])));
    await eventually(async () => assert.equal(await bed.unsent(), 0));
    await bed.consequences.of([task]);
    await bed.consequences.resumeSeries(100);

    const [successor, ...more] = await successorsOf(task);
    assert.ok(successor !== undefined);
    assert.deepEqual(more, []);
    assert.equal(successor.status, 'deferred');
    assert.ok(successor.start_after > new Date() && successor.start_after.getTime() - Date.now() <= 86_400_000);
    assert.deepEqual([successor.start_after.getUTCHours(), successor.start_after.getUTCMinutes()], [9, 0]);
    assert.equal(await audited(successor.id, 'task.repeated'), 1);
  });

  it('C027: follows after a failed task too, and again after each of its series', async () => {
    const first = await insertOne(`recurrence = ${DAILY}`);
    await bed.claimAndEnd(first, 'failed');
    await bed.consequences.of([first]);
    const [second] = await successorsOf(first);
    assert.ok(second !== undefined);
    await bed.set([second.id], "status = 'pending'");
    await bed.claimAndEnd(second.id);

    await bed.consequences.of([second.id]);

    const [third] = await successorsOf(second.id);
    assert.equal((third?.start_after.getTime() ?? 0) - second.start_after.getTime(), 86_400_000);
  });

  it('C027: never follows after a cancelled task, nor after one that has not ended', async () => {
    const cancelled = await insertOne(`recurrence = ${DAILY}, status = 'cancelled', completed_at = now()`);
    const waiting = await insertOne(`recurrence = ${DAILY}`);

    await bed.consequences.of([cancelled, waiting]);
    await bed.consequences.resumeSeries(100);

    assert.deepEqual([await successorsOf(cancelled), await successorsOf(waiting)], [[], []]);
  });

  it('C027: follows after a crash between the end and its successor, from the outbox or by the sweep alone', async () => {
    const [byRelay, bySweep] = [await insertOne(`recurrence = ${DAILY}`), await insertOne(`recurrence = ${DAILY}`)];
    await bed.claimAndEnd(byRelay);
    await bed.ageOutbox();
    bed.startRelay();
    await eventually(async () => assert.equal((await successorsOf(byRelay)).length, 1));
    await bed.stopLoops();

    await bed.claimAndEnd(bySweep);
    await bed.tasks.asSuperuser('delete from muster.outbox');
    bed.startSweeper();
    await eventually(async () => assert.equal((await successorsOf(bySweep)).length, 1));
  });

  it('continues past a series that cannot be read', async () => {
    const damaged = await insertOne(`recurrence = '{"every":"never"}'`);
    const good = await insertOne(`recurrence = ${DAILY}`);
    await bed.claimAndEnd(damaged);
    await bed.claimAndEnd(good);

    await bed.consequences.of([damaged, good]);

    assert.deepEqual([(await successorsOf(damaged)).length, (await successorsOf(good)).length], [0, 1]);
  });

  it('does not keep conversations from continuing where a series cannot', async () => {
    await bed.claimAndEnd(await insertOne(`recurrence = ${DAILY}`));
    await bed.tasks.asSuperuser(`delete from muster.outbox;
      create function muster.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
      create trigger refuse before insert on muster.tasks for each row when (new.predecessor_id is not null)
        execute function muster.refuse();
      insert into muster.conversations (tenant_id, id, graph_name, turn_count) values ('default', 'still', 'none', 1);
      insert into muster.conversation_turns (tenant_id, conversation_id, number, text, graph_name, state, task_id)
      values ('default', 'still', 1, 'hello', 'none', 'running', '${crypto.randomUUID()}')`);

    bed.startSweeper();

    await eventually(
      async () =>
        assert.deepEqual(await bed.query(`select state, error ->> 'code' as code from muster.conversation_turns`), [
          { state: 'failed', code: 'task_unknown' },
        ]),
      { withinMs: 20_000 },
    ).finally(() => bed.tasks.asSuperuser('drop function muster.refuse() cascade'));
  });

  it('lets go a task whose dependency ended just before it was written, which no end told of', async () => {
    const dependency = await insertOne();
    await bed.claimAndEnd(dependency);
    await bed.tasks.asSuperuser('delete from muster.outbox');
    const task = await insertOne("status = 'blocked'");
    await bed.dependOn(task, [dependency]);

    bed.startSweeper();

    await eventually(async () => assert.equal(await bed.statusOf(task), 'pending'));
  });

  it('leads down a chain and across a wide fan of dependencies, each task once', async () => {
    const [root, ...fan] = await bed.tasks.insert({}, 1_203);
    const [last] = await bed.tasks.insert();
    assert.ok(root !== undefined && last !== undefined);
    await bed.set([...fan, last], "status = 'blocked'");
    for (const id of fan.slice(0, 2)) await bed.dependOn(id, [root]);
    await bed.tasks.asSuperuser(`insert into muster.task_dependencies (task_id, depends_on_task_id, tenant_id)
      select id, '${root}', tenant_id from muster.tasks where status = 'blocked' and id <> '${last}'
      on conflict do nothing`);
    await bed.dependOn(last, fan.slice(0, 3));
    await bed.claimAndEnd(root, 'failed');

    await Promise.all([1, 2, 3].map(() => bed.consequences.of([root])));
    await bed.consequences.settleBlocked('all');

    const rows = await bed.query<{ code: string; n: number }>(
      `select error ->> 'code' as code, count(*)::int as n from muster.tasks where status = 'failed' group by 1 order by 1`,
    );
    assert.deepEqual(rows, [
      { code: 'dependency_failed', n: fan.length + 1 },
      { code: 'task_failed', n: 1 },
    ]);
    assert.equal(await audited(last, 'task.failed'), 1);
  });

  it('is done by statements that leave others alone when they are repeated', async () => {
    const task = await insertOne("status = 'blocked'");
    const open = await insertOne();
    await bed.dependOn(task, [open]);

    const [failed, unblocked] = await bed.tasks.database.inSystem('relay', async ({ em }) => {
      const dependencies = new DependencyRepository(em);
      return [await dependencies.failHopeless('all'), await dependencies.unblock('all')];
    });

    assert.deepEqual([failed, unblocked], [[], []]);
    assert.equal(await bed.statusOf(task), 'blocked');
  });
});
