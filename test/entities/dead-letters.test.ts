import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database, Transaction } from '../../database/transaction.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { DeadLetterRepository } from '../../entities/tasks/dead-letter-repository.ts';
import { TaskDependency } from '../../entities/tasks/task-dependency.ts';
import { graphRow, sampleIds, taskRow } from '../database/sample-rows.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { sharedStack } from '../support/stack.ts';

describe('the dead letters', () => {
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'dead letters');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'dead letters test', poolSize: 4 });
  });

  after(async () => {
    await database?.close();
    await clone?.drop();
  });

  const inDefault = <Result>(work: (tx: Transaction) => Promise<Result>) => database.inTenant('default', work);
  const redrive = (ids: readonly TaskId[], redriveId = uuid()) =>
    database.single.inTenant('default', ({ em }) =>
      new DeadLetterRepository(em).redrive(ids, { redriveId, actor: 'test', effects: 'keep' }),
    );

  /** Tasks in these statuses, each failed one dead, each depending on the one before it when they are a chain. */
  async function tasks(statuses: readonly TaskStatus[], { chain = false } = {}): Promise<TaskId[]> {
    const ids = statuses.map(() => uuid() as TaskId);
    const sample = sampleIds('default');
    await inDefault(async (tx) => {
      graphRow(tx, sample);
      for (const [index, id] of ids.entries()) taskRow(tx, sample, { id, status: statuses[index] ?? 'pending' });
      await tx.em.flush();
      for (const [index, taskId] of ids.entries()) {
        const dependsOnTaskId = ids[index - 1];
        if (!chain || dependsOnTaskId === undefined) continue;
        tx.em.create(TaskDependency, { taskId, dependsOnTaskId, tenantId: sample.tenantId });
      }
      await tx.em.flush();
      await sql`update muster.tasks set dead_lettered_at = now(), dead_letter_reason = 'handler_failed',
        error = '{"code":"handler_failed","message":"no luck"}' where status = 'failed' and dead_lettered_at is null`.execute(
        tx.em.getKysely(),
      );
    });
    return ids;
  }

  const rowOf = async (id: TaskId | undefined) => {
    const { rows } = await inDefault(({ em }) =>
      sql<Record<string, unknown>>`select status, error, completed_at, dead_lettered_at, dead_letter_reason,
        cancel_requested_at, held_at, deadline_at from muster.tasks where id = ${id}`.execute(em.getKysely()),
    );
    return rows[0] ?? {};
  };

  const unsentIds = async () => {
    const { rows } = await inDefault(({ em }) =>
      sql<{ ids: string[] }>`select payload -> 'taskIds' as ids from muster.outbox
        where topic = 'task.submitted' and sent_at is null and task_id is null order by id`.execute(em.getKysely()),
    );
    return rows.map((row) => row.ids);
  };

  it('leave nothing of the death in the row of a redriven task, and one outbox row for all of them', async () => {
    const ids = await tasks(['failed', 'failed', 'failed']);
    await inDefault(({ em }) =>
      sql`update muster.tasks set cancel_requested_at = now(), held_at = now(),
        deadline_at = now() - interval '1 minute' where id = ${ids[0]}`.execute(em.getKysely()),
    );

    const redriven = await redrive(ids);

    assert.deepEqual(
      redriven.map((task) => [task.taskId, task.status]).toSorted(),
      ids.map((id) => [id, 'pending']),
    );
    for (const id of ids) {
      assert.deepEqual(await rowOf(id), {
        status: 'pending',
        error: null,
        completed_at: null,
        dead_lettered_at: null,
        dead_letter_reason: null,
        cancel_requested_at: null,
        held_at: null,
        deadline_at: null,
      });
    }
    assert.deepEqual((await unsentIds()).map((sent) => sent.toSorted()).at(-1), ids);
  });

  it('keep a deadline that has not passed', async () => {
    const [id] = await tasks(['failed']);
    await inDefault(({ em }) =>
      sql`update muster.tasks set deadline_at = now() + interval '1 hour' where id = ${id}`.execute(em.getKysely()),
    );

    await redrive(id === undefined ? [] : [id]);

    assert.notEqual((await rowOf(id)).deadline_at, null);
  });

  it('answer a redrive whose commit went unanswered with what it did, and do nothing twice', async () => {
    const ids = await tasks(['failed', 'failed']);
    const redriveId = uuid();
    const before = (await unsentIds()).length;

    const first = await redrive(ids, redriveId);
    const repeated = await redrive(ids, redriveId);
    const other = await redrive(ids);

    assert.deepEqual(
      repeated.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1)),
      first.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1)),
    );
    assert.deepEqual(other, []);
    assert.equal((await unsentIds()).length, before + 1);
  });

  it('leave alone what is not dead', async () => {
    const ids = await tasks(['pending', 'in_progress', 'completed', 'cancelled', 'blocked']);

    assert.deepEqual(await redrive(ids), []);
    assert.deepEqual(await redrive([uuid() as TaskId]), []);
  });

  it('block a task behind a dead one that is redriven with it', async () => {
    const ids = await tasks(['failed', 'failed', 'failed'], { chain: true });

    await redrive(ids);

    const statuses = await Promise.all(ids.map(async (id) => (await rowOf(id)).status));
    assert.deepEqual(statuses, ['pending', 'blocked', 'blocked']);
    assert.deepEqual((await unsentIds()).at(-1), [ids[0]]);
  });

  it('keep a task whose dependency stays dead or was cancelled, and let one go whose dependency has completed', async () => {
    const dead = await tasks(['failed', 'failed'], { chain: true });
    const cancelled = await tasks(['cancelled', 'failed'], { chain: true });
    const completed = await tasks(['completed', 'failed'], { chain: true });
    const running = await tasks(['in_progress', 'failed'], { chain: true });
    const last = [dead, cancelled, completed, running].flatMap(([, id]) => (id === undefined ? [] : [id]));

    const judged = await database.single.inTenant('default', ({ em }) => new DeadLetterRepository(em).judge(last));
    const redriven = await redrive(last);

    const stuck = new Map(judged.map((task) => [task.taskId, task.stuck]));
    assert.deepEqual(
      last.map((id) => stuck.get(id)),
      [true, true, false, false],
    );
    const statuses = new Map(redriven.map((task) => [task.taskId, task.status]));
    assert.deepEqual(
      last.map((id) => statuses.get(id)),
      [undefined, undefined, 'pending', 'blocked'],
    );
  });

  it('are redriven once by two redrives at the same time', async () => {
    const ids = await tasks(Array.from({ length: 50 }, () => 'failed' as const));

    const both = await Promise.all([redrive(ids), redrive(ids.toReversed())]);

    assert.equal(both[0].length + both[1].length, ids.length);
    assert.equal(new Set(both.flat().map((task) => task.taskId)).size, ids.length);
  });

  it('are paged through in the order of the submits, without one twice or missing', async () => {
    const ids = await tasks(Array.from({ length: 7 }, () => 'failed' as const));
    const seen: TaskId[] = [];

    for (let after: TaskId | null = null; ; ) {
      const last: TaskId | null = after;
      const page: TaskId[] = await database.single.inTenant('default', ({ em }) =>
        new DeadLetterRepository(em).page({}, last, 3),
      );
      seen.push(...page);
      after = page.at(-1) ?? null;
      if (page.length < 3) break;
    }

    assert.deepEqual(seen, seen.toSorted());
    assert.deepEqual(
      seen.filter((id) => ids.includes(id)),
      ids,
    );
  });
});
