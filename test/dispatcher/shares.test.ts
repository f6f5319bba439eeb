import assert from 'node:assert/strict';
import { Shares, type SharesOptions } from '../../dispatcher/shares.ts';
import type { TaskId } from '../../domain/ids.ts';
import { NO_FAILPOINTS } from '../../domain/system/failpoints.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { SuspectRepository } from '../../entities/tasks/suspect-repository.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { EARLIER_WORKER } from '../support/earlier-worker.ts';
import { eventually } from '../support/eventually.ts';
import { ClaimBed } from './claim-bed.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('a shared execution', () => {
  let bed: ClaimBed;

  before(async () => {
    bed = await ClaimBed.open('shares');
  });
  after(() => bed?.close());
  beforeEach(() => {
    clock = 0;
  });

  /** What the clock of those that are opened by `openAt` shows, in milliseconds. */
  let clock = 0;
  const openAt = (startTogether: SharesOptions['startTogether']) =>
    open(
      startTogether,
      () => false,
      () => clock,
    );
  const open = (
    startTogether: SharesOptions['startTogether'] = async () => undefined,
    stopping = () => false,
    now: () => number = () => performance.now(),
  ) =>
    new Shares({
      ...{ database: bed.database, graphs: new GraphCache(bed.database), startTogether, log: SILENT },
      ...{ settings: { current: async () => bed.settings }, reach: NO_FAILPOINTS, stopping, now },
    });
  const found = (tasks: readonly ClaimedTask[]) =>
    bed.database.single.inSystem('dispatch', ({ em }) => new SuspectRepository(em).findOpen(idsOf(tasks)));
  const looked = (ids: readonly TaskId[]) =>
    bed.database.inSystem('reconcile', ({ em }) => new SuspectRepository(em).markChecked(ids));
  const claimed = async (count: number) => bed.claim(await bed.insert({ graph: 'swift' }, count));
  const started = async (shares: Shares): Promise<[TaskId, TaskId, TaskId]> => {
    const tasks = await claimed(3);
    assert.deepEqual(await shares.start(tasks), []);
    return tasks.map(({ execution }) => execution.taskId) as [TaskId, TaskId, TaskId];
  };

  it('holds the next tasks back until all that it carries has ended', async () => {
    const shares = open();
    const [first, second, third] = await started(shares);

    const left = [shares.left(first), shares.left(second)];
    const { holdMs } = shares;
    left.push(shares.left(third));

    assert.deepEqual(left, [false, false, true]);
    assert.ok(holdMs > 0 && holdMs <= 500, `it held them back for ${holdMs} ms`);
    assert.equal(shares.holdMs, 0);
  });

  it('lets a second one begin when its first wave is written, and no third as long as both run', async () => {
    const carriers: string[] = [];
    const shares = openAt(async (id) => void carriers.push(id));
    const held: boolean[] = [];
    const look = () => held.push(shares.holdMs > 0);
    const first = await started(shares);

    look();
    shares.wrote(carriers[0] ?? '');
    look();
    await started(shares);
    look();
    shares.wrote(carriers[1] ?? '');
    look();
    for (const id of first) shares.left(id);
    look();

    assert.deepEqual(held, [true, false, true, true, false]);
  });

  it('counts beyond half a second for as long as waves follow each other quickly, and for two seconds at most', async () => {
    const carriers: string[] = [];
    const shares = openAt(async (id) => void carriers.push(id));
    for (let count = 0; count < 2; count += 1) {
      await started(shares);
      shares.wrote(carriers[count] ?? '');
    }
    const heldAt = (at: number, writes: boolean) => {
      clock = at;
      if (writes) for (const carrier of carriers) shares.wrote(carrier);
      return shares.holdMs;
    };

    const quick = [400, 640].map((at) => heldAt(at, true));
    const slow = [880, 895].map((at) => heldAt(at, false));

    assert.deepEqual(quick, [250, 250]);
    assert.deepEqual(slow, [10, 0]);
  });

  it('holds others back for two seconds at most, however quickly it is written', async () => {
    const carriers: string[] = [];
    const shares = openAt(async (id) => void carriers.push(id));
    await started(shares);
    await started(shares);
    const held: number[] = [];

    for (clock = 200; clock <= 2_000; clock += 200) {
      for (const carrier of carriers) shares.wrote(carrier);
      held.push(shares.holdMs);
    }

    assert.deepEqual(held, [300, 250, 250, 250, 250, 250, 250, 250, 200, 0]);
  });

  it('is forgotten after half a second, though what it carries ends in another process', async () => {
    const shares = open();
    const [first, second] = await started(shares);
    assert.equal(shares.left(first), false);

    await eventually(() => shares.holdMs === 0);

    assert.equal(shares.left(second), true);
  });

  it('is not chosen before the first look, nor while a worker of an earlier version is alive', async () => {
    const shares = open();
    const tasks = await claimed(3);
    const together = async () => (await shares.split(tasks, 8)).together.flat().length;
    const shared = [await together()];

    for (const statement of ['select 1', EARLIER_WORKER.opens, EARLIER_WORKER.ends]) {
      await bed.asSuperuser(statement);
      await shares.look();
      shared.push(await together());
    }

    assert.deepEqual(shared, [0, 3, 0, 3]);
  });

  it('takes no notice of programs that are no workers, nor of workers that fell silent', async () => {
    const shares = open();
    await bed.asSuperuser(`
      ${EARLIER_WORKER.opens};
      update muster.agent_leases set renewed_at = now() - interval '46 seconds';
      insert into muster.tenants (id) values ('acme');
      insert into muster.agent_leases (id, tenant_id, process, public_key, fence)
      values (gen_random_uuid(), 'acme', 'program', '', 1), (gen_random_uuid(), 'system', 'supervision', '', 1)`);

    await shares.look();

    assert.equal((await shares.split(await claimed(3), 8)).together.length, 1);
  });

  it('that Temporal refuses for good holds nothing back, and its tasks leave it under new fences', async () => {
    const shares = open(() => Promise.reject(refusal(INVALID_ARGUMENT)));
    const tasks = await claimed(3);

    const left = await shares.start(tasks);

    assert.deepEqual(left.toSorted(), idsOf(tasks).toSorted());
    assert.equal(shares.holdMs, 0);
    for (const { carriedBy, execution } of await found(tasks))
      assert.deepEqual([carriedBy, execution.fence], [null, 2]);
  });

  it('is started again under its id after an answer that was lost, and keeps its tasks', async () => {
    const asked: string[] = [];
    const shares = open(async (id) => {
      asked.push(id);
      if (asked.length < 3) throw refusal(UNAVAILABLE);
    });
    const tasks = await claimed(3);

    assert.deepEqual(await shares.start(tasks), []);

    assert.deepEqual(asked, Array(3).fill(asked[0]));
    for (const { carriedBy, execution } of await found(tasks))
      assert.deepEqual([carriedBy, execution.fence], [asked[0], 1]);
  });

  it('is not started again once nothing that it carries is open', async () => {
    let asked = 0;
    const tasks = await claimed(2);
    const shares = open(async () => {
      asked += 1;
      for (const task of tasks) await bed.end(task);
      throw refusal(UNAVAILABLE);
    });

    assert.deepEqual(await shares.start(tasks), []);

    assert.equal(asked, 1);
  });

  it('is left to the reconciler when its process stops before Temporal answers', async () => {
    const shares = open(
      () => Promise.reject(refusal(UNAVAILABLE)),
      () => true,
    );
    const tasks = await claimed(2);

    assert.deepEqual(await shares.start(tasks), []);

    for (const { carriedBy } of await found(tasks)) assert.match(carriedBy ?? '', /^tasks\//);
  });

  it('takes no task that the reconciler has looked at since its claim', async () => {
    const started: TaskId[] = [];
    const shares = open(async (_, tasks) => void started.push(...idsOf(tasks)));
    const tasks = await claimed(3);
    const [first = null, ...others] = idsOf(tasks);
    assert.ok(first);
    await looked([first]);

    assert.deepEqual(await shares.start(tasks), [first]);

    assert.deepEqual(started, others);
    const carriers = await found(tasks);
    for (const { execution, carriedBy } of carriers) assert.equal(carriedBy === null, execution.taskId === first);
  });
});

const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;

/** What Temporal's client raises. */
function refusal(code: number): Error {
  return Object.assign(new Error('refused'), { code, details: 'refused', metadata: {} });
}

function idsOf(tasks: readonly ClaimedTask[]): TaskId[] {
  return tasks.map(({ execution }) => execution.taskId);
}
