import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually, patience } from '../../support/eventually.ts';
import { type PrivateStack, startPrivateStack } from '../../support/stack.ts';
import { check } from './checker.ts';
import { startCommitCutter } from './commit-cutter.ts';
import { LARGE, report, World } from './world.ts';

const ENDED = 'completed_at is not null';

describe('stores that fail while tasks run', function () {
  this.timeout(LARGE ? 7_200_000 : 180_000);
  let stack: PrivateStack;
  let world: World;

  before(async () => {
    stack = await startPrivateStack();
  });
  after(() => stack?.close());
  afterEach(() => World.closeAll());

  /** Resolves when so many more tasks have ended. */
  async function moreEnd(count: number, withinMs = 60_000): Promise<void> {
    const wanted = (await eventually(() => world.count(ENDED), { withinMs })) + count;
    const look = async () => (await world.count(ENDED)) >= wanted;
    await eventually(look, { withinMs, everyMs: 50, what: `the end of ${count} more tasks` });
  }

  async function indexIsWhole(): Promise<boolean> {
    return (await world.stores.queueFor(world.muster.taskQueue).depth()).intact;
  }

  /** Resolves when the index in Redis is whole again. Answers how long that took, in milliseconds. */
  async function timeUntilWhole(): Promise<number> {
    const started = performance.now();
    await eventually(indexIsWhole, { withinMs: 20_000, everyMs: 10, what: 'a whole index' });
    return performance.now() - started;
  }

  it('C026, B1: FLUSHALL with hundreds of tasks waiting loses none', async () => {
    const waiting = LARGE ? 100_000 : 600;
    world = await World.open('flushall', { stack });
    // Quick ones would share executions, and be done before the index is lost.
    await world.submitMany('mixed', waiting);
    assert.equal((await world.muster.client.queue()).waiting.normal, waiting);
    const workers = [await world.spawn(), await world.spawn()];
    await moreEnd(50);
    const redis = new Redis(stack.redisUrl);
    await redis.flushall();
    redis.disconnect();
    const left = await world.count("status = 'pending'");

    const rebuiltMs = await timeUntilWhole();
    const started = performance.now();
    await world.allEnded(LARGE ? 3_600_000 : 120_000);
    const drainMs = performance.now() - started;

    assert.ok(left > waiting / 3, `only ${left} tasks still waited`);
    const noticed = workers.flatMap((worker) => worker.log).filter((line) => line.includes('rebuilt the Redis index'));
    assert.ok(noticed.length > 0, 'no worker noticed');
    await check(world, { atLeast: waiting });
    assert.ok(rebuiltMs <= 7_000 * patience(), `whole again after ${rebuiltMs} ms`);
    report(
      `${left} of ${waiting} waited; noticed and whole again after ${rebuiltMs.toFixed(0)} ms; ` +
        `drained at ${((1_000 * left) / drainMs).toFixed(0)} tasks/s`,
    );
  });

  it('B2: kill -9 of Redis loses no task, and submits and tasks continue without it', async () => {
    world = await World.open('redis', { stack });
    await world.spawn();
    await world.spawn();
    const stop = world.keepSubmitting('quick', 10);
    await moreEnd(30);
    const killedAt = performance.now();
    await stack.redis.kill('SIGKILL');
    await moreEnd(60);
    const slowestMs = world.history.slowest(killedAt);
    await stack.redis.start();
    const rebuiltMs = await timeUntilWhole();
    await moreEnd(30);
    const submitted = await stop();
    await world.allEnded(60_000);

    await check(world, { atLeast: 120 });
    assert.ok(rebuiltMs <= 7_000 * patience(), `whole again ${rebuiltMs} ms after the return`);
    report(
      `${submitted} tasks; the slowest submit without Redis took ${slowestMs.toFixed(0)} ms; ` +
        `the index was whole ${rebuiltMs.toFixed(0)} ms after the return`,
    );
  });

  it('C1, C2: restarts of PostgreSQL and ended sessions lose and double nothing and strand no connection', async () => {
    world = await World.open('postgres', { stack });
    const workers = [await world.spawn(), await world.spawn()];
    const stop = world.keepSubmitting('mixed', 40);
    await moreEnd(10);
    const recoveries: number[] = [];
    for (let restart = 0; restart < (LARGE ? 50 : 2); restart += 1) {
      // SIGQUIT is PostgreSQL's immediate shutdown.
      await stack.postgres.kill('SIGQUIT');
      await stack.postgres.start();
      const ready = performance.now();
      await moreEnd(1);
      recoveries.push(performance.now() - ready);
      await moreEnd(10);
    }
    const killed = await endSessions(LARGE ? 600 : 20);
    await stop();
    await world.allEnded(90_000);

    assert.ok(killed >= 20);
    await check(world, { atLeast: 30 });
    for (const worker of workers) await eventually(async () => (await worker.takenConnections()) === 0);
    assert.deepEqual(world.stores.database.pool(), { ...world.stores.database.pool(), inTransaction: 0, stranded: 0 });
    report(
      `${recoveries.length} restarts, ${killed} sessions ended, ${world.history.entries.length} submits; ` +
        `first task ended at most ${Math.max(...recoveries).toFixed(0)} ms after PostgreSQL was ready`,
    );
  });

  /** Ends sessions of the product, wherever they are in their work, while tasks continue. */
  async function endSessions(count: number): Promise<number> {
    let killed = 0;
    while (killed < count) {
      const rows = await world.query(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'muster%' and datname = current_database() and pid <> pg_backend_pid()
        order by random() limit 2`);
      killed += rows.length;
      await moreEnd(1);
    }
    return killed;
  }

  it('C3: a COMMIT whose answer is lost is resolved by key, and nothing is done twice or called failed', async () => {
    const [submits, works] = [
      await startCommitCutter(stack.postgres.port),
      await startCommitCutter(stack.postgres.port),
    ];
    world = await World.open('commits', { stack, clientPort: submits.port, workerPort: works.port });
    await world.spawn();
    await world.spawn();
    submits.cutEvery(3);
    works.cutEvery(9);
    // Submits at the same moment share a commit, so it takes some rounds until enough of them were cut.
    const wanted = LARGE ? 900 : 60;
    for (let count = 0; count < wanted || submits.lostAnswers < 10; count += 12) await world.submitMany('mixed', 12);
    const lost = submits.lostRequests + submits.lostAnswers;
    submits.cutEvery(0);
    const repeated = await world.resolveUnknown('mixed');
    await world.allEnded(90_000);
    works.cutEvery(0);

    assert.ok(submits.lostAnswers >= 10 && works.lostAnswers >= 10, 'too few answers were lost');
    await check(world, { atLeast: 60 });
    report(
      `${lost} of the submits' commits cut, ${submits.lostAnswers} of them after they were done, ${repeated} submits ` +
        `repeated by key; ${works.lostRequests + works.lostAnswers} of the workers' commits cut`,
    );
    await World.closeAll();
    await submits.close();
    await works.close();
  });

  it('D1: kill -9 of Temporal with tasks open loses and doubles nothing, and submits continue', async () => {
    world = await World.open('temporal', { stack });
    await world.sink.setSlow(100);
    const workers = [await world.spawn(), await world.spawn()];
    await world.submitMany('mixed', LARGE ? 500 : 30);
    await moreEnd(3);
    const open = await world.count("status = 'in_progress'");
    await stack.temporal.kill('SIGKILL');
    await world.submitMany('mixed', 20);
    await stack.temporal.start();
    const started = performance.now();
    await moreEnd(1);
    const firstMs = performance.now() - started;
    await world.allEnded(LARGE ? 600_000 : 120_000);

    assert.ok(open >= 5, `only ${open} tasks were open`);
    for (const worker of workers) assert.equal(worker.ending, null, 'a worker died');
    await check(world, { atLeast: 50 });
    report(
      `${open} tasks open; the first ended ${firstMs.toFixed(0)} ms after the return, the last ` +
        `${(performance.now() - started).toFixed(0)} ms`,
    );
  });
});
