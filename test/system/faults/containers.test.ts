import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { slidingLog } from '../../../domain/limits/rate-limit.ts';
import { eventually } from '../../support/eventually.ts';
import { setLimits } from '../../support/limits.ts';
import { checkEffects, checkEvents, checkTraces, checkWorkflows } from './checker.ts';
import { ITEMS, ROUNDS } from './container-fault-graphs.ts';
import { RECOVERY_MS } from './deaths.ts';
import { report, World } from './world.ts';

const GRAPHS = fileURLToPath(new URL('./container-fault-graphs.ts', import.meta.url));

interface Run {
  readonly path: string;
  readonly attempts: number;
  readonly crashes: number;
  readonly status: string;
}

describe('containers whose workers die', function () {
  this.timeout(300_000);
  let world: World;

  beforeEach(async function () {
    world = await World.open(this.currentTest?.title.slice(0, 20) ?? '', { module: GRAPHS });
  });
  afterEach(() => World.closeAll());

  const runsOf = (label: string) =>
    world.query<Run>(
      `select r.node_id as path, r.attempts, r.crashes, r.status from muster.tasks t
       join muster.agent_traces a on a.task_id = t.id join muster.agent_runs r on r.trace_id = a.id
       where t.idempotency_key = $1`,
      [label],
    );
  const end = async (label: string) => {
    const [task] = await world.query<{ status: string; code: string | null; items: number | null }>(
      `select status, error ->> 'code' as code, jsonb_array_length(output -> 'all') as items
       from muster.tasks where idempotency_key = $1`,
      [label],
    );
    return task;
  };
  /** How often each node's handler was called. */
  const calls = async (label: string): Promise<ReadonlyMap<string, number>> => {
    const { subjects } = await world.sink.record();
    const prefix = `seen ${label} `;
    const own = [...subjects].filter(([subject]) => subject.startsWith(prefix));
    return new Map(own.map(([subject, count]) => [subject.slice(prefix.length).replaceAll(':', '/'), count]));
  };
  const checkWhole = async () => {
    const open = await world.query('select node_id from muster.agent_runs where finished_at is null');
    assert.deepEqual(open, [], 'runs without an end');
    await checkTraces(world);
    await checkEvents(world);
    await checkWorkflows(world);
    await checkEffects(world);
  };
  const submit = (graph: string, options: { deadlineAt?: Date } = {}) =>
    world.history.submit(graph, () => world.client.submit(graph, { label: graph }, { key: graph, ...options }));

  it('end each of 100 slow items once: no run that has ended is called again', async () => {
    const doomed = await world.spawn('after_end_before_report:kill:20');
    await submit('slow-items');
    await doomed.ended;
    const victim = await world.spawn();
    const mostCalled = async () => (await calls('slow-items')).size > 0.7 * ITEMS;
    await eventually(mostCalled, { withinMs: RECOVERY_MS, everyMs: 20 });
    victim.signal('SIGKILL');
    await victim.ended;
    await world.spawn();
    await world.allEnded(RECOVERY_MS);

    assert.deepEqual(await end('slow-items'), { status: 'completed', code: null, items: ITEMS });
    const called = await calls('slow-items');
    const runs = (await runsOf('slow-items')).filter(({ path }) => path.endsWith('/step'));
    assert.equal(runs.length, ITEMS);
    for (const { path, attempts } of runs) {
      const times = called.get(path) ?? 0;
      assert.ok(times >= 1 && times <= attempts, `${path} was called ${times} times in ${attempts} attempts`);
    }
    const lost = runs.filter(({ crashes }) => crashes > 0).length;
    assert.ok(lost > 0, 'expected attempts to be lost with their workers');
    await checkWhole();
    report(`two workers killed, ${lost} of ${ITEMS} items attempted again`);
  });

  it('call no node of a nested stretch again whose report was lost', async () => {
    const doomed = await world.spawn('after_stretch_before_report:kill:1');
    await submit('quick-items');
    await doomed.ended;
    const written = (await runsOf('quick-items')).filter(({ path, status }) => path !== 'all' && status === 'ok');
    assert.ok(written.length > ITEMS, `expected the stretch to be written, found ${written.length} runs`);
    await world.spawn();
    await world.allEnded(RECOVERY_MS);

    assert.deepEqual(await end('quick-items'), { status: 'completed', code: null, items: ITEMS });
    const called = await calls('quick-items');
    assert.equal(called.size, 2 * ITEMS);
    assert.deepEqual(new Set(called.values()), new Set([1]));
    await checkWhole();
  });

  it('call no node of a round again whose report was lost', async () => {
    const doomed = await world.spawn('after_stretch_before_report:kill:2');
    await submit('quick-rounds');
    await doomed.ended;
    const written = (await runsOf('quick-rounds')).filter(({ status }) => status === 'ok').length;
    assert.ok(written > ROUNDS / 2 && written < ROUNDS, `expected two stretches to be written, found ${written} runs`);
    await world.spawn();
    await world.allEnded(RECOVERY_MS);

    assert.equal((await end('quick-rounds'))?.status, 'completed');
    const called = await calls('quick-rounds');
    assert.equal(called.size, ROUNDS);
    assert.deepEqual(new Set(called.values()), new Set([1]));
    await checkWhole();
  });

  it('end by a deadline, a cancel and a limit within them although their worker died', async () => {
    await setLimits(world.muster, { 'provider:*': slidingLog({ limit: 3, perSeconds: 8 }) });
    const victim = await world.spawn();
    const deadlineAt = new Date(Date.now() + 30_000);
    await world.history.submit('late', () =>
      world.client.submit('held-items', { label: 'late' }, { key: 'late', deadlineAt }),
    );
    await submit('held-items');
    await submit('limited-items');
    const allHeld = async () =>
      (await world.sink.record()).waiting.length === 8 && (await calls('limited-items')).size > 3;
    await eventually(allHeld, { withinMs: 25_000, everyMs: 50 });
    victim.signal('SIGKILL');
    await victim.ended;
    const cancelled = world.history.acknowledged().get('held-items') ?? '';
    await world.client.task(cancelled).cancel();
    await world.spawn();
    await world.allEnded(RECOVERY_MS);

    assert.deepEqual(await end('late'), { status: 'failed', code: 'deadline_exceeded', items: null });
    assert.equal((await end('held-items'))?.status, 'cancelled');
    assert.deepEqual(await end('limited-items'), { status: 'completed', code: null, items: 8 });
    for (const label of ['late', 'held-items']) {
      const steps = [...(await calls(label)).keys()].filter((path) => path.endsWith('/step'));
      assert.equal(steps.length, 4, `${label} began nothing more`);
    }
    await checkWhole();
  });
});
