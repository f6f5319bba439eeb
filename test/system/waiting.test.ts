import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually, patience } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { behindTheBack } from './acceptance/database.ts';
import { LARGE } from './faults/world.ts';

const GRAPHS = fileURLToPath(new URL('./waiting-graphs.ts', import.meta.url));
const PLACES = 5;
const WAITING = LARGE ? 3_000 : 300;
const AT_ONCE_MS = 15_000;

/** Many tasks that are paused after their first node, and one worker that has few places. */
describe('tasks that wait', function () {
  this.timeout(LARGE ? 1_200_000 : 180_000);
  let muster: MusterUnderTest;
  let worker: WorkerProcess;

  const work = () =>
    WorkerProcess.start({ environment: muster.environment, module: GRAPHS, folder: muster.stack.folder });

  before(async () => {
    muster = await openMuster('waiting', { environment: { MUSTER_MAX_CONCURRENT_TASKS: String(PLACES) } });
    worker = await work();
  });
  after(async () => {
    await worker?.close();
    await muster?.close();
  });

  const rows = <Row extends object>(text: string, values: unknown[] = []) => behindTheBack<Row>(muster, text, values);
  const statusOf = async (id: string) => (await muster.client.task(id).read()).status;
  const count = async (condition: string) => {
    const [row] = await rows<{ count: number }>(`select count(*)::int as count from muster.tasks where ${condition}`);
    return row?.count ?? 0;
  };
  const submitWaiting = async (total: number, options: { concurrencyKey?: string } = {}) => {
    const before = await count("status = 'paused'");
    const items = Array.from({ length: total }, () => ({ input: {}, ...options }));
    const tasks = await muster.client.submitMany('pausing', items);
    await eventually(async () => (await count("status = 'paused'")) === before + total, {
      withinMs: 20_000 + 200 * total,
      everyMs: 200,
      what: `${total} more tasks to be paused`,
    });
    return tasks;
  };
  const runsAtOnce = async (why: string) => {
    const startedAt = performance.now();
    await (await muster.client.submit('plain', {})).result();
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < AT_ONCE_MS * patience(), `${why}: the next task took ${Math.round(tookMs)} ms`);
    return tookMs;
  };

  it(`holds no place: ${WAITING} of them and a worker with ${PLACES} places run the next task at once`, async () => {
    await submitWaiting(WAITING);

    const tookMs = await runsAtOnce('with all of them waiting');

    process.stderr.write(`      with ${WAITING} waiting, the next task took ${Math.round(tookMs)} ms\n`);
  });

  it('frees the slot of a limit that counts what occupies a place, and takes it back to continue', async () => {
    await muster.client.setLimit('key:default/desk', 1, { while: 'occupying' });
    await pause(2_500);

    const tasks = await submitWaiting(3, { concurrencyKey: 'desk' });
    assert.deepEqual(await rows('select key from muster.concurrency_slots'), []);
    await Promise.all(tasks.map((task) => task.resume()));
    await Promise.all(tasks.map((task) => task.result()));

    assert.deepEqual(await rows('select key from muster.concurrency_slots'), []);
  });

  it('belongs to nobody: its worker is killed, and the next one continues it', async () => {
    worker.signal('SIGKILL');
    await worker.ended;
    worker = await work();
    await runsAtOnce('on a new worker');
    const [some] = await rows<{ id: string }>(
      "select id from muster.tasks where status = 'paused' order by id limit 1",
    );
    assert.ok(some);

    await muster.client.task(some.id).resume();
    await muster.client.task(some.id).result();

    assert.equal(await count("status = 'paused'"), WAITING - 1);
    assert.equal(await count("status = 'in_progress'"), 0);
  });

  it('brings a lost workflow of one back, as paused as it was', async () => {
    const [lost] = await rows<{ id: string; trace: number }>(
      "select id, trace_count as trace from muster.tasks where status = 'paused' order by id limit 1",
    );
    assert.ok(lost);
    await (await muster.temporal()).workflowService.deleteWorkflowExecution({
      namespace: muster.stack.temporalNamespace,
      workflowExecution: { workflowId: `task/${lost.id}/${lost.trace}` },
    });
    await rows("update muster.tasks set checked_at = now() - interval '1 day' where id = $1", [lost.id]);

    await eventually(async () => (await muster.client.task(lost.id).progress()).paused, {
      withinMs: 60_000,
      everyMs: 500,
      what: 'its workflow to be there again',
    });

    assert.equal(await statusOf(lost.id), 'paused');
    await muster.client.task(lost.id).resume();
    await muster.client.task(lost.id).result();
  });
});
