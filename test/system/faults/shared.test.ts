import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Failpoint } from '../../../domain/system/failpoints.ts';
import { EARLIER_WORKER } from '../../support/earlier-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { startPrivateStack } from '../../support/stack.ts';
import { checkEvents, checkRuns, checkTraces, checkWorkflows } from './checker.ts';
import { BLOCK_MS } from './shared-graphs.ts';
import { openShared, placesFor } from './shared-world.ts';
import { report, World } from './world.ts';

/** As many as one execution carries. */
const TASKS = 100;
const FEW = 20;
const NODES = ['one', 'two', 'three'];
/** Where its workers die, one after the other, and at which arrival there. */
const DEATHS = [
  ['before_wave', 2],
  ['after_wave', 1],
  ['after_waves_before_report', 1],
] as const satisfies readonly (readonly [Failpoint, number])[];
/** A workflow task that lost its worker times out after ten seconds; the rest is a busy machine. */
const ENDED_WITHIN_MS = 120_000;
/** Three deaths together, ten seconds each, and three alone, twenty seconds each. */
const GIVEN_UP_WITHIN_MS = 400_000;

describe('a shared execution', function () {
  this.timeout(GIVEN_UP_WITHIN_MS + 60_000);
  afterEach(() => World.closeAll());

  const allCompleted = async (world: World, tasks: number) => {
    await world.allEnded(ENDED_WITHIN_MS);
    assert.equal(await world.count("status = 'completed'"), tasks);
    for (const check of [checkTraces, checkRuns, checkEvents, checkWorkflows]) await check(world);
  };

  it('continues wherever its worker dies, and nothing that was written runs again', async () => {
    const { world, labels, written, carriers } = await openShared('deaths', { graph: 'told', tasks: TASKS });
    const timesWhenWritten = new Map<string, number>();
    const ends: number[] = [];

    for (const [failpoint, arrival] of DEATHS) {
      const worker = await world.spawn(`${failpoint}:kill:${arrival}`, placesFor(TASKS));
      const { signal } = await worker.ended;
      assert.equal(signal, 'SIGKILL', failpoint);
      const { subjects } = await world.sink.record();
      const known = await written();
      for (const subject of known) {
        if (!timesWhenWritten.has(subject)) timesWhenWritten.set(subject, subjects.get(subject) ?? 0);
      }
      ends.push(known.size);
    }
    await world.spawn(undefined, placesFor(TASKS));
    await allCompleted(world, TASKS);

    const [first = 0, second = 0, third = 0] = ends;
    assert.ok(first > 0 && second > first && third === NODES.length * TASKS, `${ends.join()} runs were written`);
    assert.equal((await carriers()).length, 1);
    const { subjects } = await world.sink.record();
    for (const [subject, times] of timesWhenWritten) assert.equal(subjects.get(subject), times, subject);
    for (const subject of labels.flatMap((label) => NODES.map((node) => `${label}/${node}`))) {
      const times = subjects.get(subject) ?? 0;
      assert.ok(times >= 1 && times <= 1 + DEATHS.length, `${subject} ran ${times} times`);
    }
    report(`${ends.join(', ')} of ${NODES.length * TASKS} runs were written when its workers died`);
  });

  it('is one, and runs nothing twice, though the answer to its start is lost', async () => {
    const tasks = 20;
    const { world, labels, carriers } = await openShared('shared-answer', { graph: 'told', tasks });

    await world.spawn('after_shared_start_before_answer:throw', placesFor(tasks));
    await allCompleted(world, tasks);

    assert.equal((await carriers()).length, 1);
    const { subjects } = await world.sink.record();
    const wanted = labels.flatMap((label) => NODES.map((node) => [`${label}/${node}`, 1] as const));
    assert.deepEqual([...subjects].toSorted(), wanted.toSorted());
  });

  it('is left by all of its tasks once a worker is alive that knows none, and no more are begun', async () => {
    const { world, carriers } = await openShared('earlier', { graph: 'told', tasks: 2 * FEW, lagMs: 500 });
    await world.spawn(undefined, placesFor(FEW));
    await eventually(async () => assert.ok((await carriers()).length > 0), { withinMs: 30_000 });

    await world.query(EARLIER_WORKER.opens);
    await allCompleted(world, 2 * FEW);

    assert.deepEqual(await carriers(), []);
    const wrong = "output ->> 'label' is distinct from input ->> 'label'";
    assert.equal(await world.count(wrong), 0);
  });

  it('F3: gives up the one task of 100 that kills it, alone, and ends all others', async () => {
    const { world } = await openShared('shared-poison', { graph: 'tasted', tasks: TASKS, first: ['poison'] });
    const completedAtDeaths: number[] = [];
    let isOver = false;
    const keepOne = async (): Promise<void> => {
      while (!isOver) {
        // One that the poison meets while it starts is dead as well.
        const worker = await world.spawn(undefined, placesFor(TASKS)).catch(() => null);
        await worker?.ended;
        completedAtDeaths.push(await world.count("status = 'completed'"));
      }
    };

    void keepOne();
    await world.allEnded(GIVEN_UP_WITHIN_MS).finally(() => {
      isOver = true;
    });

    const { status, error } = await world.taskOf('poison');
    assert.deepEqual([status, error?.code], ['failed', 'handler_crashed']);
    assert.equal(await world.count("status = 'completed'"), TASKS - 1);
    assert.ok(completedAtDeaths.length <= 7, `${completedAtDeaths.length} deaths`);
    assert.equal(
      completedAtDeaths[3] ?? completedAtDeaths.at(-1),
      TASKS - 1,
      `completed at deaths: ${completedAtDeaths}`,
    );
    await checkTraces(world);
    report(`completed at the deaths: ${completedAtDeaths}`);
  });

  it('outlasts a handler that blocks the event loop, and the time of a workflow task, and runs nothing twice', async () => {
    const each = 23;
    const lagMs = 8_500;
    const options = { graph: 'told', tasks: 2 * each, first: ['block'], lagMs } as const;
    const { world, carriers } = await openShared('shared-blocked', options);

    // A handler that blocks a worker which has not started yet would end it.
    await world.client.pause('graph:told');
    await Promise.all([world.spawn(undefined, placesFor(each)), world.spawn(undefined, placesFor(each))]);
    await world.client.resume('graph:told');
    await allCompleted(world, 2 * each);

    const { subjects } = await world.sink.record();
    assert.equal(subjects.size, 2 * each * NODES.length);
    assert.deepEqual(
      [...subjects].filter(([, times]) => times !== 1),
      [],
    );
    const [blocked] = await world.query<{ status: string; latency_ms: number }>(
      `select r.status, r.latency_ms from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id
       join muster.tasks t on t.id = a.task_id where t.idempotency_key = 'block' and r.node_id = 'one'`,
    );
    assert.equal(blocked?.status, 'ok');
    assert.ok(blocked.latency_ms >= BLOCK_MS);
    const ids = await carriers();
    assert.equal(ids.length, 2);
    for (const id of ids) {
      const { events } = await world.temporal.workflow.getHandle(id).fetchHistory();
      const timedOut = (events ?? []).filter((event) => event.workflowTaskTimedOutEventAttributes != null);
      assert.equal(timedOut.length, 0, id);
    }
  });

  it('loses and doubles nothing when Redis is emptied and PostgreSQL and Temporal are killed', async () => {
    const each = 23;
    const tasks = 2 * each;
    const lagMs = 1_500;
    const stack = await startPrivateStack();
    const { world, written, carriers } = await openShared('shared-stores', { graph: 'told', tasks, lagMs, stack });
    const allWritten = (node: string) =>
      eventually(async () => assert.equal([...(await written())].filter((run) => run.endsWith(node)).length, tasks), {
        withinMs: 60_000,
        everyMs: 100,
      });

    await Promise.all([world.spawn(undefined, placesFor(each)), world.spawn(undefined, placesFor(each))]);
    await allWritten('one');
    const redis = new Redis(stack.redisUrl);
    await redis.flushall();
    redis.disconnect();
    await stack.postgres.kill('SIGQUIT');
    // Long enough for a wave to be due meanwhile.
    await pause(2 * lagMs);
    await stack.postgres.start();
    await allWritten('two');
    await stack.temporal.kill('SIGKILL');
    await stack.temporal.start();
    await allCompleted(world, tasks);

    const { subjects } = await world.sink.record();
    const often = [...subjects].filter(([, times]) => times > 4);
    assert.deepEqual(often, []);
    assert.deepEqual(
      [...subjects].filter(([subject, times]) => subject.endsWith('one') && times > 1),
      [],
    );
    assert.equal((await carriers()).length, 2);
    for (const worker of world.workers) assert.equal(worker.ending, null, 'a worker died');
    await World.closeAll();
    await stack.close();
  });
});
