import assert from 'node:assert/strict';
import type { Client } from 'pg';
import { DEFAULT_QUEUE_SETTINGS } from '../../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { SuspectRepository } from '../../../entities/tasks/suspect-repository.ts';
import { TaskRepository } from '../../../entities/tasks/task-repository.ts';
import { TraceRepository } from '../../../entities/traces/trace-repository.ts';
import { carryTogether, leaveTogether } from '../../../operations/record/shared-traces.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';
import { eventually } from '../../support/eventually.ts';

const CARRIER = 'tasks/one';
const KEY = 'key:default/desk';

describe('a task that leaves a shared execution', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('leaving');
    bed.settings = {
      ...DEFAULT_QUEUE_SETTINGS,
      limits: { [KEY]: 10, 'tenant:*': 10 },
      whileOccupying: [KEY],
    };
  });
  after(() => bed?.close());
  beforeEach(async () => {
    const [task] = await bed.claim(await bed.insert({ graph: 'swift', key: 'desk' }));
    assert.ok(task);
    execution = task.execution;
    await bed.database.inSystem('dispatch', ({ em }) => carryTogether(em, CARRIER, [execution.traceId]));
  });

  const log = { error: (_: object, message: string) => assert.fail(message) };
  const leave = () => {
    const { database, settings } = bed;
    return leaveTogether({ database, settings, log }, CARRIER, [execution.traceId]);
  };
  const ask = (isHeld: boolean) =>
    bed.database.inTenant(execution.tenant, ({ em }) => new TaskRepository(em).holdShared(execution.taskId, isHeld));
  const isPaused = async () => {
    const found = await bed.database.single.inSystem('dispatch', ({ em }) =>
      new SuspectRepository(em).findOpen([execution.taskId]),
    );
    return found.map(({ standing }) => standing === 'paused');
  };
  const events = async () => {
    const found = await bed.database.inTenant(execution.tenant, ({ em }) =>
      new TraceRepository(em).events(execution.traceId, 0, 100),
    );
    return found.map(({ type }) => type);
  };
  /** Does something while another transaction, which is about to commit this change of the task, has its row locked. */
  const during = <Result>(change: string, work: () => Promise<Result>): Promise<Result> =>
    withPostgresql(bed.clone.superuserUrl, async (client) => {
      await client.query('begin');
      await client.query(change, [execution.taskId]);
      const done = work();
      await eventually(() => isWaitedFor(client), { what: 'the lock to be waited for' });
      await client.query('commit');
      return done;
    });

  it('continues as it is when no pause was accepted, or a resume after it', async () => {
    assert.deepEqual([await ask(true), await ask(true), await ask(false)], [true, true, true]);

    assert.deepEqual(await leave(), [{ taskId: execution.taskId, pausedWith: null }]);

    assert.deepEqual(await isPaused(), [false]);
    assert.deepEqual(await events(), ['trace.started']);
  });

  it('is paused when a pause was accepted, whatever it leaves for, and gives up what waiting tasks give up', async () => {
    await ask(true);

    assert.deepEqual(await leave(), [{ taskId: execution.taskId, pausedWith: ['tenant:default'] }]);

    assert.deepEqual(await isPaused(), [true]);
    assert.deepEqual(await events(), ['trace.started', 'trace.paused']);
    assert.deepEqual(await leave(), [], 'it leaves once');
  });

  it('is paused by a pause that is accepted while the leave waits for its row', async () => {
    const [left] = await during('update muster.tasks set held_at = now() where id = $1', leave);

    assert.notEqual(left?.pausedWith, null);
    assert.deepEqual(await isPaused(), [true]);
  });

  it('accepts neither a pause nor a resume that waited for its leave', async () => {
    for (const isHeld of [true, false]) {
      await ask(!isHeld);
      const leaving = `with t as (update muster.tasks set checked_at = checked_at where id = $1)
        update muster.agent_traces set carried_by = null where task_id = $1`;

      assert.equal(await during(leaving, () => ask(isHeld)), false);

      await bed.database.inSystem('dispatch', ({ em }) => carryTogether(em, CARRIER, [execution.traceId]));
    }
  });

  it('keeps no pause when it ends before it has left', async () => {
    await ask(true);

    await bed.end({ execution });

    const { rows } = await withPostgresql(bed.clone.superuserUrl, (client) =>
      client.query('select status, held_at from muster.tasks where id = $1', [execution.taskId]),
    );
    assert.deepEqual(rows, [{ status: 'completed', held_at: null }]);
  });
});

async function isWaitedFor(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))',
  );
  return rows.length > 0;
}
