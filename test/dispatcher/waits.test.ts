import assert from 'node:assert/strict';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { OpenTaskStatus } from '../../domain/tasks/task-status.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { occupiedPlaces } from '../../entities/tasks/occupied-places.ts';
import { freeStaleSlots } from '../../entities/tasks/statements/free-stale-slots.ts';
import { moveOpenTask } from '../../entities/tasks/statements/move-open-task.ts';
import { takeMissingSlots } from '../../entities/tasks/statements/take-missing-slots.ts';
import { SuspectRepository } from '../../entities/tasks/suspect-repository.ts';
import { ClaimBed } from './claim-bed.ts';

const KEY = 'key:default/desk';

describe('a task that waits', () => {
  let bed: ClaimBed;

  beforeEach(async () => {
    bed = await ClaimBed.open('waits', 10);
    limit({ limits: { [KEY]: 2 }, whileOccupying: [KEY] });
  });
  afterEach(() => bed?.close());

  const limit = (settings: Partial<QueueSettings>) => {
    bed.settings = { ...DEFAULT_QUEUE_SETTINGS, ...settings };
  };
  const claim = async (count: number) => bed.claim(await bed.insert({ key: 'desk' }, count));
  const move = ({ execution }: ClaimedTask, status: OpenTaskStatus, workerId = 'worker') =>
    bed.database.inSystem('dispatch', ({ em }) => moveOpenTask(em, { execution, status, workerId }, bed.settings));
  const places = async (workerId = 'worker') =>
    (await bed.database.single.inSystem('dispatch', ({ em }) => occupiedPlaces(em, workerId))).map((one) => one.taskId);
  const mend = () =>
    bed.database.inSystem('reconcile', async ({ em }) => [
      await freeStaleSlots(em, bed.settings),
      await takeMissingSlots(em, bed.settings),
    ]);
  const slotNumbers = async () => {
    const { rows } = await bed.database.single.inSystem('inspect', ({ em }) =>
      sql<{ slot: number }>`select slot from muster.concurrency_slots where key = ${KEY} order by 1`.execute(
        em.getKysely(),
      ),
    );
    return rows.map((row) => row.slot);
  };

  it('frees its slot in the transaction that writes the wait, and takes one in the one that ends it', async () => {
    const [first, second] = await claim(3);
    assert.ok(first && second);

    const paused = await move(first, 'paused');
    assert.deepEqual([paused, await bed.slotCount()], [{ isNew: true, slots: [] }, 1]);
    assert.equal((await bed.claimIds(await waiting())).length, 1, 'the freed slot lets the third task start');
    const resumed = await move(first, 'in_progress');

    assert.deepEqual(resumed, { isNew: true, slots: [KEY] });
    assert.deepEqual(await slotNumbers(), [1, 2, 3], 'it is over the limit, and waits for nobody');
  });

  it('lets nothing start until the limit is reached again by ends, after it continued over it', async () => {
    const [first] = await claim(4);
    assert.ok(first);
    await move(first, 'paused');
    const [third] = await bed.claim(await waiting());
    assert.ok(third);
    await move(first, 'in_progress');

    await bed.end(third);
    assert.deepEqual(await bed.claimIds(await waiting()), []);
    await bed.end(first);

    assert.equal((await bed.claimIds(await waiting())).length, 1);
  });

  it('keeps its slots of keys whose limit counts whatever is open', async () => {
    limit({ limits: { [KEY]: 2, 'tenant:*': 5 }, whileOccupying: [KEY] });
    const [task] = await claim(1);
    assert.ok(task);

    const paused = await move(task, 'paused');

    assert.deepEqual(paused?.slots, ['tenant:default']);
  });

  it('changes nothing when the same move comes again, or when its task has ended or was claimed anew', async () => {
    const [first, second] = await claim(2);
    assert.ok(first && second);
    await move(first, 'paused');
    await bed.end(second);
    const outdated = { ...first, execution: { ...first.execution, fence: first.execution.fence - 1 } };

    assert.deepEqual(await move(first, 'paused'), { isNew: false, slots: [] });
    assert.equal(await move(second, 'paused'), null);
    assert.equal(await move(outdated, 'in_progress'), null);
    assert.equal(await bed.slotCount(), 0);
  });

  it('holds no place, and holds one of the worker that continues it', async () => {
    const [task, other] = await claim(2);
    assert.ok(task && other);
    assert.equal((await places()).length, 2);

    await move(task, 'paused');
    assert.deepEqual(await places(), [other.execution.taskId]);
    await move(task, 'in_progress', 'another');

    assert.deepEqual([await places(), await places('another')], [[other.execution.taskId], [task.execution.taskId]]);
  });

  it('stands in another line of the reconciler than what was to run', async () => {
    const [waits, runs] = await claim(2);
    assert.ok(waits && runs);
    await move(waits, 'paused');
    await bed.asSuperuser("update muster.tasks set checked_at = now() - interval '1 minute'");
    const unchecked = async (kind: 'occupying' | 'waiting', seconds: number) => {
      const found = await bed.database.single.inSystem('reconcile', ({ em }) =>
        new SuspectRepository(em).unchecked(kind, seconds, 10),
      );
      return found.map(({ execution, standing }) => [execution.taskId, standing === 'paused']);
    };

    assert.deepEqual(await unchecked('occupying', 20), [[runs.execution.taskId, false]]);
    assert.deepEqual(await unchecked('waiting', 600), []);
    assert.deepEqual(await unchecked('waiting', 20), [[waits.execution.taskId, true]]);
  });

  it('goes by a limit whose setting changes meanwhile, once the reconciler has looked', async () => {
    limit({ limits: { [KEY]: 2 } });
    const [first] = await claim(2);
    assert.ok(first);
    await move(first, 'paused');
    assert.deepEqual([await mend(), await bed.slotCount()], [[0, 0], 2]);

    limit({ limits: { [KEY]: 2 }, whileOccupying: [KEY] });
    assert.deepEqual([await mend(), await bed.slotCount()], [[1, 0], 1]);
    limit({ limits: { [KEY]: 2 } });

    assert.deepEqual([await mend(), await bed.slotCount()], [[0, 1], 2]);
  });

  it('has its slot by number and not twice, with claims, waits and ends at the same time', async function () {
    this.timeout(60_000);
    limit({ limits: { [KEY]: 4 }, whileOccupying: [KEY] });
    const total = 60;
    await bed.insert({ key: 'desk' }, total);
    let ended = 0;
    const carryOut = async (task: ClaimedTask) => {
      await move(task, 'waiting_input');
      const continued = await move(task, 'in_progress');
      assert.deepEqual(continued?.slots, [KEY]);
      await bed.end(task);
      ended += 1;
    };
    const work = async (workerId: string) => {
      while (ended < total) {
        const claimed = await bed.claim((await waiting()).slice(0, 10), workerId).catch(() => []);
        assert.ok(claimed.length <= 4);
        await Promise.all(claimed.map(carryOut));
        for (const [key, { open, slots }] of await bed.open()) {
          if (key === KEY) assert.equal(slots, open, `${slots} slots for ${open} tasks that occupy places`);
        }
      }
    };

    await Promise.all(['one', 'two', 'three'].map(work));

    assert.deepEqual([ended, await bed.slotCount()], [total, 0]);
  });

  async function waiting(): Promise<TaskId[]> {
    return bed.ready(100);
  }
});
