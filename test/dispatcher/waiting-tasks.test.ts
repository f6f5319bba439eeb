import assert from 'node:assert/strict';
import { runSupervision } from '../../activities/agents/supervision.ts';
import type { Database } from '../../database/transaction.ts';
import { Sweeper } from '../../dispatcher/sweeper.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { Consequences } from '../../operations/tasks/consequences.ts';
import { AgentHealthBoard } from '../../redis/agent-health.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { TASK_QUEUE } from './claim-bed.ts';
import { DispatchBed } from './dispatch-bed.ts';

const WAITING = 2_000;
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe(`${WAITING} tasks that wait, paused or for an input, each with a slot`, () => {
  let bed: DispatchBed;

  before(async () => {
    bed = await DispatchBed.open('waiting-tasks');
    const limits = { 'tenant:*': 5_000 };
    await bed.configure({ limits });
    bed.claims.settings = { ...DEFAULT_QUEUE_SETTINGS, limits };
    const ids = await bed.claims.insert({}, WAITING);
    for (let from = 0; from < WAITING; from += 500) await bed.claims.claim(ids.slice(from, from + 500));
    await bed.claims.asSuperuser(`update muster.tasks set checked_at = now() - interval '5 minutes',
      status = case when hashtext(id::text) % 2 = 0 then 'paused' else 'waiting_input' end`);
  });
  after(() => bed?.close());

  it('are compared with Redis by one process, however many there are, and their slots mended after a change only', async () => {
    const { database, statements } = counting(bed.claims.database);
    const menders = [1, 2, 3].map(() => bed.mender(bed.queue, database));

    for (let count = 1; count <= 5; count += 1) for (const mender of menders) await mender.count();

    const mended = menders.length * 2 * 2;
    const compared = 5 * 2;
    assert.equal(await bed.claims.slotCount(), WAITING);
    assert.equal(statements(), mended + compared);
  });

  it('are compared by another process once the first is silent', async () => {
    const { queue } = bed;
    await bed.flush();

    const first = await queue.isComparer('first', 300);
    const second = await queue.isComparer('second', 300);
    const again = await queue.isComparer('first', 300);

    assert.deepEqual([first, second, again], [true, false, true]);
    await eventually(() => queue.isComparer('second', 300), { withinMs: 3_000 });
    assert.equal(await queue.isComparer('first', 300), false);
  });

  it('are left alone by the sweeper and the supervision, which end what is late beside them', async () => {
    const { database } = bed.claims;
    const [late] = await bed.claims.claim(await bed.claims.insert());
    assert.ok(late);
    const { taskId } = late.execution;
    await bed.claims.asSuperuser(
      `update muster.tasks set deadline_at = now() - interval '1 minute' where id = '${taskId}'`,
    );
    const before = await versions(taskId);
    const wakeUps = new WakeUps(bed.redis, { taskQueue: TASK_QUEUE });
    const queueFor = () => bed.queue;
    const tellWait = async () => undefined;
    const consequences = new Consequences({ database, queueFor, wakeUps, tellWait });
    const sweeper = new Sweeper({ database, graphs: new GraphCache(database), consequences, queueFor, log: SILENT });

    sweeper.start();
    await eventually(async () => (await statusOf(taskId)) === 'failed', {
      withinMs: 30_000,
      what: 'the late task to end',
    });
    await runSupervision({ database, board: new AgentHealthBoard(bed.redis), log: SILENT as never });
    await sweeper.stop();

    assert.equal(before.length, WAITING);
    assert.deepEqual(await versions(taskId), before);
  });

  const rows = (text: string) =>
    withPostgresql(
      bed.claims.clone.superuserUrl,
      async (client) => (await client.query<Record<string, string>>(text)).rows,
    );
  /** Of every task but one, the transaction that wrote it last. */
  const versions = (but: string) => rows(`select id, xmin::text from muster.tasks where id <> '${but}' order by id`);
  const statusOf = async (id: string) =>
    (await rows(`select status from muster.tasks where id = '${id}'`)).at(0)?.status;
});

/** Counts the units of the reconciler, each of which is one statement. */
function counting(database: Database): { database: Database; statements: () => number } {
  let count = 0;
  const single: Database['single'] = {
    ...database.single,
    inSystem: (purpose, work) => {
      if (purpose === 'reconcile') count += 1;
      return database.single.inSystem(purpose, work);
    },
  };
  return { database: { ...database, single }, statements: () => count };
}
