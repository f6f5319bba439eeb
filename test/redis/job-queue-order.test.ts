import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import type { Job, JobQueue, LeasedJob } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { eventually } from '../support/eventually.ts';
import { redisPrefix } from '../support/stack.ts';
import { countHints, job, openTestRedis, queueOn, settings, tenant } from './redis-under-test.ts';

const LEASE_MS = 600_000;
/** Too young to have waited long, whatever the clock says. */
const YOUNG_MS = 4_000_000_000_000;
const OLD_MS = 1_700_000_000_000;

const jobsOf = (name: string, count: number, more: Partial<Job> = {}): Job[] =>
  Array.from({ length: count }, (_, index) => job('normal', YOUNG_MS + index, { tenant: tenant(name), ...more }));

const inBand = (band: PriorityBand, count: number, firstMs: number): Job[] =>
  Array.from({ length: count }, (_, index) => job(band, firstMs + index));

describe('the order of the job queue', () => {
  let redis: RedisConnections;
  let queue: JobQueue;

  beforeEach(async () => {
    redis = await openTestRedis({ prefix: redisPrefix('order') });
    queue = queueOn(redis);
  });

  afterEach(async () => {
    await redis.close();
  });

  /** Leases in steps of several sizes, since the order must not depend on them. */
  const leaseInSteps = async (count: number, steps: readonly number[] = [7, 1, 13, 4]): Promise<LeasedJob[]> => {
    const leased: LeasedJob[] = [];
    for (let turn = 0; leased.length < count; turn += 1) {
      const max = Math.min(steps[turn % steps.length] ?? 1, count - leased.length);
      const answer = await queue.lease({ max, leaseMs: LEASE_MS });
      if (answer.length === 0) break;
      leased.push(...answer);
    }
    return leased;
  };

  const shares = (leased: readonly LeasedJob[]): Record<PriorityBand, number> => {
    const found = { high: 0, normal: 0, low: 0 };
    for (const { band } of leased) found[band] += 1;
    return found;
  };

  const tenantsOf = (leased: readonly LeasedJob[], jobs: readonly Job[]): string[] => {
    const tenants = new Map(jobs.map((one) => [one.taskId, one.tenant]));
    return leased.map(({ taskId }) => tenants.get(taskId) ?? '');
  };

  it('gives what was given back at once as if it had not been leased, whatever came with it', async () => {
    const jobs = [...jobsOf('a', 30), ...jobsOf('b', 3), ...jobsOf('c', 12), ...inBand('low', 5, YOUNG_MS)];
    await queue.enqueue(jobs);
    const inSteps: LeasedJob[] = [];
    for (let taken = 0; taken < jobs.length; taken = inSteps.length) {
      const answer = await queue.lease({ max: 8, leaseMs: LEASE_MS });
      inSteps.push(...answer.slice(0, 1));
      await queue.giveBack(answer.slice(1).map(({ taskId }) => taskId));
    }
    const others = queueOn(redis, 'others');
    await others.enqueue(jobs);

    const atOnce = await others.lease({ max: jobs.length, leaseMs: LEASE_MS });

    assert.deepEqual(inSteps, atOnce);
  });

  it('gives urgent jobs alone where asked, which takes no turn of the other bands', async () => {
    await queue.enqueue([...inBand('high', 40, YOUNG_MS), ...inBand('low', 5, YOUNG_MS)]);
    await leaseInSteps(18);

    const urgent = await queue.lease({ max: 5, leaseMs: LEASE_MS, urgent: true });
    const next = await queue.lease({ max: 2, leaseMs: LEASE_MS });

    assert.deepEqual(shares(urgent), { high: 5, normal: 0, low: 0 });
    assert.deepEqual(shares(next), { high: 1, normal: 0, low: 1 });
    await leaseInSteps(21);
    assert.deepEqual(await queue.lease({ max: 5, leaseMs: LEASE_MS, urgent: true }), []);
  });

  it('C025: gives 5 % of the starts to the lowest band under endless high load, and all others to the highest', async () => {
    const jobs = [...inBand('high', 400, YOUNG_MS), ...inBand('normal', 50, YOUNG_MS), ...inBand('low', 50, YOUNG_MS)];
    await queue.enqueue(jobs);

    const leased = await leaseInSteps(400);

    assert.deepEqual(shares(leased), { high: 380, normal: 0, low: 20 });
    assert.deepEqual(shares(leased.slice(0, 19)), { high: 19, normal: 0, low: 0 });
  });

  it('C025: gives a tenth of the starts to the band whose next job has waited longest, so that none starves', async () => {
    const jobs = [...inBand('high', 400, YOUNG_MS), ...inBand('normal', 50, OLD_MS), ...inBand('low', 50, OLD_MS + 60)];
    await queue.enqueue(jobs);

    assert.deepEqual(shares(await leaseInSteps(400)), { high: 340, normal: 40, low: 20 });
  });

  it('C025: lets jobs wait for as long as the settings say before their age counts', async () => {
    const anHourOld = Date.now() - 3_600_000;
    await queue.enqueue([...inBand('high', 200, YOUNG_MS), ...inBand('normal', 200, anHourOld)]);

    await queue.applySettings(settings({ ageingSeconds: 86_400 }));
    assert.deepEqual(shares(await leaseInSteps(40)), { high: 38, normal: 2, low: 0 });
    await queue.applySettings(settings({ ageingSeconds: 60 }));
    assert.deepEqual(shares(await leaseInSteps(40)), { high: 34, normal: 6, low: 0 });
  });

  it('F7: starts an urgent job no later than second, whatever came before, behind a deep queue of old low ones', async function () {
    this.timeout(60_000);
    await queue.enqueue(inBand('low', process.env.MUSTER_FAULTS === 'large' ? 100_000 : 2_000, OLD_MS));

    for (let before = 0; before < 20; before += 1) {
      const urgent = job('high', Date.now());
      await queue.enqueue([urgent]);
      const next = await queue.lease({ max: 2, leaseMs: LEASE_MS });
      assert.ok(next.some(({ taskId }) => taskId === urgent.taskId));
      await leaseInSteps(19);
    }
  });

  it('shares the starts of a band by weight', async function () {
    this.timeout(120_000);
    const weights = fc.array(fc.constantFrom(0.25, 0.5, 1, 1.5, 2, 3, 8), { minLength: 2, maxLength: 5 });
    const steps = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(weights, steps, async (given, sizes) => {
        queue = queueOn(redis, `shares-${redisPrefix()}`);
        await queue.applySettings(
          settings({ weights: Object.fromEntries(given.map((one, index) => [`t${index}`, one])) }),
        );
        const jobs = given.flatMap((_, index) => jobsOf(`t${index}`, 1_000));
        await queue.enqueue(jobs);

        const tenants = tenantsOf(await leaseInSteps(1_000, sizes), jobs);

        const sum = given.reduce((one, other) => one + other, 0);
        given.forEach((weight, index) => {
          const expected = (1_000 * weight) / sum;
          const found = tenants.filter((one) => one === `t${index}`).length;
          assert.ok(Math.abs(found - expected) <= Math.max(2, 0.05 * expected), `${found} instead of ${expected}`);
        });
      }),
      { numRuns: 12 },
    );
  });

  it('lets nobody catch up who came late or came back, and nobody be held up by the backlog of another', async () => {
    const backlog = jobsOf('busy', 600);
    const late = jobsOf('late', 300);
    await queue.enqueue(backlog);
    await leaseInSteps(200);
    await queue.enqueue(late.slice(0, 20));
    assert.equal(tenantsOf(await leaseInSteps(2), late).filter(Boolean).length, 1);
    await leaseInSteps(100);
    await queue.enqueue(late.slice(20));

    const next = tenantsOf(await leaseInSteps(100), late).filter(Boolean).length;

    assert.ok(next >= 49 && next <= 51, `${next} of 100`);
  });

  it('shares by the new weights as soon as they are applied', async () => {
    const jobs = [...jobsOf('a', 500), ...jobsOf('b', 500)];
    await queue.enqueue(jobs);
    await leaseInSteps(100);

    await queue.applySettings(settings({ weights: { a: 4 } }));

    const found = tenantsOf(await leaseInSteps(200), jobs).filter((one) => one === 'a').length;
    assert.ok(found >= 158 && found <= 162, `${found} of 200`);
  });

  it('starts the jobs of one tenant in the order of their creation, in whatever order they came', async () => {
    const jobs = [...jobsOf('a', 60), ...jobsOf('b', 60)];
    const shuffled = [...jobs].sort((one, other) => (one.taskId < other.taskId ? -1 : 1));
    for (const one of shuffled) await queue.enqueue([one]);

    const leased = await leaseInSteps(120);

    for (const name of ['a', 'b']) {
      const expected = jobs.filter((one) => one.tenant === name).map(({ taskId }) => taskId);
      assert.deepEqual(
        leased.map(({ taskId }) => taskId).filter((id) => expected.includes(id)),
        expected,
      );
    }
  });

  it('starts nothing of a band that is paused, and gives its share to the others', async () => {
    await queue.applySettings(settings({ paused: ['band:high', 'band:low'] }));
    await queue.enqueue([
      ...inBand('high', 30, OLD_MS),
      ...inBand('normal', 30, YOUNG_MS),
      ...inBand('low', 30, OLD_MS),
    ]);

    assert.deepEqual(shares(await leaseInSteps(90)), { high: 0, normal: 30, low: 0 });
    await queue.applySettings(settings());
    assert.deepEqual(shares(await leaseInSteps(90)), { high: 30, normal: 0, low: 30 });
  });

  it('does not hold tenants up behind many jobs of another that cannot start, and continues by itself', async () => {
    await queue.applySettings(settings({ paused: ['tenant:stuck'] }));
    await queue.enqueue(jobsOf('stuck', 2_000, { keys: ['tenant:stuck'] }));
    const hints = await countHints(redis);
    const others = jobsOf('other', 5, { createdAtMs: YOUNG_MS + 9_999 });
    await queue.enqueue(others);
    await eventually(() => hints() === 1, { what: 'the hint of the new jobs' });

    const leased = await queue.lease({ max: 10, leaseMs: LEASE_MS });

    assert.deepEqual(leased.map(({ taskId }) => taskId).sort(), others.map(({ taskId }) => taskId).sort());
    await eventually(() => hints() === 2, { what: 'the hint that more is to be looked at' });
    assert.ok((await queue.depth()).parked < 2_000);
    for (let turn = 0; turn < 100; turn += 1) await queue.lease({ max: 10, leaseMs: LEASE_MS });
    assert.equal((await queue.depth()).parked, 2_000);
  });
});
