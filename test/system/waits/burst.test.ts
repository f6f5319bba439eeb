import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { eventually, patience } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { LARGE } from '../faults/world.ts';

const GRAPHS = fileURLToPath(new URL('./waiting-nodes.ts', import.meta.url));
const WAITING = LARGE ? 10_000 : 300;
/** So many people decide at once. */
const PEOPLE = 20;
const AT_ONCE_MS = 1_000;

/** Many tasks that wait for an approval, and one worker of the usual size. */
describe(`${WAITING} tasks that wait for an approval, on one worker`, function () {
  this.timeout(LARGE ? 3_600_000 : 240_000);
  let muster: MusterUnderTest;
  let worker: WorkerProcess;

  before(async () => {
    muster = await openMuster('burst');
    worker = await WorkerProcess.start({
      environment: muster.environment,
      module: GRAPHS,
      folder: muster.stack.folder,
    });
  });
  after(async () => {
    await worker?.close();
    await muster?.close();
  });

  const count = async (condition: string) => {
    const [row] = await behindTheBack<{ count: number }>(
      muster,
      `select count(*)::int as count from muster.tasks where graph_name = 'only-approving' and ${condition}`,
    );
    return row?.count ?? 0;
  };
  const startsWithin = async () => {
    const submittedAt = performance.now();
    const task = await muster.client.submit('plain', {});
    await eventually(async () => assert.ok((await task.read()).startedAt), { everyMs: 20, withinMs: 60_000 });
    return performance.now() - submittedAt;
  };

  it('all end when they are answered in one burst, and new work starts within a second meanwhile', async () => {
    for (let from = 0; from < WAITING; from += 1_000) {
      const items = Array.from({ length: Math.min(1_000, WAITING - from) }, () => ({ input: {} }));
      await muster.client.submitMany('only-approving', items);
    }
    await eventually(async () => (await count("status = 'waiting_approval'")) === WAITING, {
      withinMs: 30_000 + 200 * WAITING,
      everyMs: 250,
      what: 'all of them to wait',
    });
    const approvals = await behindTheBack<{ id: string }>(muster, 'select id from muster.approvals');
    assert.equal(await count("status = 'in_progress'"), 0);

    const burstAt = performance.now();
    const left = approvals.map(({ id }) => id);
    const person = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        await muster.client.operations.approvals.decide({ id, verdict: 'approve' });
      }
    };
    const decided = Promise.all(Array.from({ length: PEOPLE }, person)).then(() => performance.now() - burstAt);
    const starts: number[] = [];
    while ((await count("status <> 'completed'")) > 0) starts.push(await startsWithin());
    const tookMs = performance.now() - burstAt;

    const [decidedMs, slowest] = [await decided, Math.max(...starts)];
    const text = `${WAITING} decided in ${Math.round(decidedMs)} ms, ended in ${Math.round(tookMs)} ms`;
    process.stderr.write(`      ${text}; the slowest of ${starts.length} starts took ${Math.round(slowest)} ms\n`);
    assert.equal(await count("status = 'completed'"), WAITING);
    assert.ok(starts.length > 0, 'expected new work while they ended');
    assert.ok(slowest < AT_ONCE_MS * patience(), `new work started after ${Math.round(slowest)} ms`);
  });
});
