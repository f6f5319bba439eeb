import assert from 'node:assert/strict';
import type { Failpoint } from '../../../domain/system/failpoints.ts';
import { patience } from '../../support/eventually.ts';
import { check, temporalAttempts } from './checker.ts';
import { type Deaths, letWorkersDie } from './deaths.ts';
import { letPoisonIn, type Poisoned } from './poison.ts';
import { GRACE_SECONDS, type RolledOver, rollOver, TASKS_PER_RESTART } from './rolling.ts';
import { LARGE, report, World } from './world.ts';
import { letZombiesWrite, writesOf, type Zombies } from './zombies.ts';

/** Begun at once and looked at later: each of these mostly waits for timeouts, and so they wait together. */
function inBackground<Result>(scenario: () => Promise<Result>): Promise<Result> {
  const running = scenario();
  running.catch(() => undefined);
  return running;
}

describe('worker processes that die, stop and come back', function () {
  this.timeout(LARGE ? 7_200_000 : 200_000);
  let dying: Promise<Deaths>;
  let returning: Promise<Zombies>;
  let poisoning: Promise<Poisoned>;
  let rolling: Promise<RolledOver>;
  let blocking: Promise<World>;

  before(async () => {
    poisoning = inBackground(letPoisonIn);
    dying = inBackground(letWorkersDie);
    returning = inBackground(letZombiesWrite);
    blocking = inBackground(blockLoops);
  });
  after(async () => {
    await Promise.allSettled([dying, returning, poisoning, rolling, blocking]);
    await World.closeAll();
  });

  it('A1: kill -9 in the middle of nodes loses and doubles nothing', async () => {
    const { world, rounds } = await dying;

    const blind = rounds.map((round) => round.blind);
    await check(world, { atLeast: 30 * rounds.length, mayFail: blind });
    const delays: number[] = [];
    for (const { held, killedAtMs, victim } of rounds) {
      for (const key of held) {
        const { id, output } = await world.taskOf(key);
        assert.notEqual(output?.pid, victim.pid);
        delays.push(...(await retries(world, id)).slice(0, 1).map((at) => at - killedAtMs));
      }
    }
    assert.equal(delays.length, 3 * rounds.length);
    // The server notices after 20 s of silence, counted from the last heartbeat.
    assert.ok(Math.max(...delays) <= 60_000);
    report(
      `${world.workers.length - 2} workers killed, ${world.history.entries.length} tasks; retried at most ` +
        `${Math.max(...delays)} ms after the death`,
    );
  });

  it('C085: after a death the attempts of a row are those of Temporal that began, and there is one end', async () => {
    const { world, rounds } = await dying;

    const retried = await world.query<{ task_id: string; node_id: string; attempts: number; crashes: number }>(`
      select a.task_id, r.node_id, r.attempts, r.crashes
      from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id where r.attempts > 1`);
    assert.ok(retried.length >= 4 * rounds.length, `only ${retried.length} runs have a second attempt`);
    for (const { task_id: taskId, node_id: nodeId, attempts, crashes } of retried) {
      // An attempt whose worker died before it could note its beginning is Temporal's alone.
      assert.ok(attempts <= ((await temporalAttempts(world, taskId)).get(nodeId) ?? 0));
      assert.ok(crashes < attempts);
    }
    for (const key of rounds.flatMap((round) => round.held)) {
      const { id, status, attempts, crashes } = await world.taskOf(key);
      assert.equal(status, 'completed');
      assert.ok(attempts > 1 && crashes > 0);
      assert.ok([...(await temporalAttempts(world, id)).values()].includes(attempts));
    }
  });

  it('A2: kill -9 after an effect, a record or an end repeats nothing outside', async () => {
    const { world, rounds } = await dying;

    const record = await world.sink.record();
    // A worker that died between effect and record has its successor ask again, under the same key.
    assert.ok(record.repeatedKeys.length >= rounds.length, 'no effect was repeated');
    for (const key of record.repeatedKeys) assert.equal(record.effects(key), 1);
    for (const { blind } of rounds) {
      const { status, error } = await world.taskOf(blind);
      assert.deepEqual([status, error?.code], ['failed', 'effect_in_doubt']);
      assert.equal(record.effectsOn(`${blind}/post`), 1);
    }
    report(`${record.totalEffects} effects, ${record.totalCalls} calls, ${record.repeatedKeys.length} keys repeated`);
  });

  it('A3: kill -9 around the start leaves one workflow and one trace for each task', async () => {
    const { world, rounds } = await dying;

    const claimed = async (round: (typeof rounds)[number], failpoint: Failpoint) =>
      world.count(`claimed_by = '${round.doomed.get(failpoint)?.workerId}'`);
    for (const round of rounds) {
      assert.ok((await claimed(round, 'after_claim_before_acknowledge')) > 0);
      assert.ok((await claimed(round, 'after_claim_before_start')) > 0);
      assert.ok((await claimed(round, 'after_start_before_answer')) > 0);
    }
    // The rest is in A1's check: as many workflows and traces as tasks. This shows that some had to be started late.
    const lost = world.workers.flatMap((worker) => worker.log).filter((line) => line.includes('has no workflow'));
    assert.ok(lost.length >= rounds.length, 'no start was lost');
    report(`${lost.length} lost starts made good`);
  });

  it('I3: an attempt that outlived its time or its worker writes nothing', async () => {
    const { world, zombie, ending, heir } = await returning;

    assert.deepEqual(ending, { code: 0, signal: null });
    await check(world, { atLeast: 4 });
    const record = await world.sink.record();
    const refused = ['ended', 'running', 'overdue'].flatMap(writesOf);
    assert.equal(record.effectsOn('stale_fence'), refused.length);
    for (const key of ['ended', 'running', 'overdue']) {
      const { output, attempts, id } = await world.taskOf(key);
      assert.ok(attempts > 1, `${key}: nobody took over`);
      assert.deepEqual(output, { attempt: attempts, pid: (key === 'overdue' ? zombie : heir).pid });
      assert.equal(record.calls(`${id}/1/straggle/post`), 1, `${key}: the straggler repeated the effect`);
      const files = await world.query<{ text: string }>(
        `select convert_from(content, 'UTF8') as text from muster.artifacts where task_id = $1`,
        [id],
      );
      assert.deepEqual(files, [{ text: `attempt ${attempts}` }], key);
    }
    assert.equal((await world.taskOf('stretch')).output?.pid, heir.pid);
    const losses = await lossesOf(world, 'running');
    assert.ok(losses.length > 0 && !losses.includes('handler_crashed'), `a stopped worker has not died: ${losses}`);
    report(`${refused.length} writes of overtaken attempts refused`);
  });

  it('A7: a rolling restart under load loses and doubles nothing and hands over what takes too long', async () => {
    rolling = inBackground(rollOver);
    const { world, restarts, toldAtMs, inProgress } = await rolling;

    for (const { ending } of restarts) assert.deepEqual(ending, { code: 0, signal: null });
    const slowest = Math.max(...restarts.map((restart) => restart.tookMs));
    assert.ok(slowest <= (GRACE_SECONDS + 8) * 1_000 * patience(), `the slowest stop took ${slowest} ms`);
    await check(world, { atLeast: restarts.length * TASKS_PER_RESTART });
    const { id, attempts, crashes } = await world.taskOf('held');
    assert.deepEqual({ attempts, crashes }, { attempts: 2, crashes: 0 });
    const [retried] = await retries(world, id);
    const handedOverMs = (retried ?? Number.NaN) - toldAtMs;
    assert.ok(handedOverMs <= (GRACE_SECONDS + 5) * 1_000 * patience(), `handed over after ${handedOverMs} ms`);
    report(
      `${restarts.length} restarts with ${inProgress.join(', ')} tasks in progress, ${world.history.entries.length} ` +
        `tasks; stopped within ${slowest.toFixed(0)} ms, handed over after ${handedOverMs} ms (grace ${GRACE_SECONDS} s)`,
    );
  });

  it('F3: a handler that kills its process is given up after three crashes, and everything else finishes', async () => {
    const { world, deaths, poisonKeys, tookMs } = await poisoning;

    assert.equal(deaths, 3 * poisonKeys.length);
    await check(world, { atLeast: 21, mayFail: poisonKeys });
    for (const key of poisonKeys) {
      const { status, error, crashes } = await world.taskOf(key);
      assert.deepEqual([status, error?.code, crashes], ['failed', 'handler_crashed', 3]);
    }
    const letters = await world.muster.client.dead({ graph: 'poison' });
    assert.deepEqual(
      letters.map(({ key, reason, node }) => [key, reason, node]).toSorted(),
      poisonKeys.map((key) => [key, 'handler_crashed', 'burst']).toSorted(),
    );
    report(`${deaths} workers died; given up and all else finished within ${(tookMs / 1_000).toFixed(0)} s`);
  });

  it('ends a node that blocks its event loop again and again as that, and not as crashed', async () => {
    const world = await blocking;

    const { status, error, crashes } = await world.taskOf('blocked');
    assert.deepEqual([status, error?.code, crashes], ['failed', 'event_loop_blocked', 3]);
    // On a busy machine the server may miss the heartbeat before the worker has said why it stayed out.
    const losses = await lossesOf(world, 'blocked');
    assert.deepEqual([losses.length, losses.at(-1)], [3, 'event_loop_blocked']);
    assert.ok(
      losses.every((how) => how === 'event_loop_blocked' || how === 'heartbeat_missed'),
      losses.join(),
    );
    assert.equal(world.workers[0]?.ending, null, 'the worker died');
    await check(world, { atLeast: 1, mayFail: ['blocked'] });
  });
});

/** A node that blocks the event loop of its worker in each attempt, until it is given up. */
async function blockLoops(): Promise<World> {
  const world = await World.open('blocking');
  await world.spawn();
  await world.submit('blocking', 'blocked');
  await world.allEnded(180_000);
  return world;
}

/** How the lost attempts of a task's nodes were lost, in their order. */
async function lossesOf(world: World, key: string): Promise<string[]> {
  const { id } = await world.taskOf(key);
  const rows = await world.query<{ how: string }>(
    `select l.value as how from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id,
       jsonb_each_text(r.losses) l where a.task_id = $1 order by l.key::int`,
    [id],
  );
  return rows.map((row) => row.how);
}

/** When the attempts of a task after the first began, in milliseconds since 1970. */
async function retries(world: Deaths['world'], taskId: string): Promise<number[]> {
  const rows = await world.query<{ at: Date }>(
    `select e.at from muster.trace_events e join muster.agent_traces a on a.id = e.trace_id
     where a.task_id = $1 and e.type = 'run.retried' order by e.seq`,
    [taskId],
  );
  return rows.map((row) => row.at.getTime());
}
