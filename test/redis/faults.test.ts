import assert from 'node:assert/strict';
import { hasErrorCode } from '../../domain/errors.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { type OpenRedisOptions, openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { eventually, patience } from '../support/eventually.ts';
import { type PrivateStack, redisPrefix, startPrivateStack } from '../support/stack.ts';
import { startProxy, type TcpProxy, through } from '../support/tcp-proxy.ts';
import { inBatches, job, queueOn, SILENT_LOG, TASK_QUEUE } from './redis-under-test.ts';

/** Room for a machine that is busy with other things, on top of the promised time. */
const SLACK_MS = 400;

describe('Redis under faults', () => {
  let stack: PrivateStack;
  let proxy: TcpProxy;
  let redis: RedisConnections;

  before(async () => {
    stack = await startPrivateStack({ only: ['redis'] });
  });

  after(async () => {
    await stack.close();
  });

  beforeEach(async () => {
    proxy = await startProxy({ targetPort: stack.redis.port });
  });

  afterEach(async () => {
    await redis.close();
    await proxy.close();
  });

  async function open(options: Partial<OpenRedisOptions> = {}): Promise<void> {
    const url = through(proxy, stack.redisUrl);
    redis = await openRedis({ url, prefix: redisPrefix('faults'), log: SILENT_LOG, ...options });
  }

  /** The time until the call is rejected as unreachable. */
  async function timeOfRefusal(call: () => Promise<unknown>): Promise<number> {
    const started = performance.now();
    await assert.rejects(call, (error) => hasErrorCode(error) && error.code === 'service_unreachable');
    return performance.now() - started;
  }

  const answersAgain = (): Promise<unknown> =>
    eventually(() => queueOn(redis).enqueue([job('high', 1)]), { withinMs: 5_000, what: 'an answer after the outage' });

  it('B4: no call outlasts its time on a connection that swallows everything, and work continues when it heals', async () => {
    await open();
    await queueOn(redis).enqueue([job('high', 1)]);
    proxy.set('blackHole');

    const times: number[] = [];
    for (let call = 0; call < 20; call += 1) {
      times.push(await timeOfRefusal(() => queueOn(redis).lease({ max: 1, leaseMs: 1_000 })));
    }

    assert.ok(
      Math.max(...times) < 250 + SLACK_MS * patience(),
      `the slowest of 20 calls took ${Math.max(...times)} ms`,
    );
    // The connection was given up on the way, and from then on nobody waits for it.
    assert.ok(times.filter((ms) => ms < 100).length >= 10, `times of the calls in ms: ${times.map(Math.round)}`);
    proxy.set('pass');
    await answersAgain();
  });

  it('B4: opens on a connection that swallows everything', async () => {
    proxy.set('blackHole');

    await open();

    assert.ok((await timeOfRefusal(() => queueOn(redis).depth())) < 250 + SLACK_MS * patience());
    proxy.set('pass');
    await answersAgain();
  });

  it('B3: opens without Redis, refuses at once, and works when Redis comes', async () => {
    await stack.redis.kill('SIGKILL');
    await open();

    assert.ok((await timeOfRefusal(() => queueOn(redis).enqueue([job('high', 1)]))) < SLACK_MS * patience());

    await stack.redis.start();
    await answersAgain();
  });

  it('B2: refuses while Redis is gone, finds the index gone after its return, and takes jobs again', async () => {
    await open();
    const queue = queueOn(redis);
    await queue.rebuild(inBatches([]), DEFAULT_QUEUE_SETTINGS);
    await stack.redis.kill('SIGKILL');

    await timeOfRefusal(() => queue.depth());

    await stack.redis.start();
    await answersAgain();
    const { waiting, intact } = await queue.depth();
    assert.deepEqual({ waiting, intact }, { waiting: { high: 1, normal: 0, low: 0 }, intact: false });
  });

  it('B7: no caller sees that Redis has forgotten the scripts', async () => {
    await open({ commandTimeoutMs: 10_000 });
    const queue = queueOn(redis);
    let flushes = 0;

    const calls = Array.from({ length: 1_000 }, async (_, index) => {
      if (index % 50 === 0) {
        await redis.ask((commands) => commands.script('FLUSH'));
        flushes += 1;
      }
      return queue.enqueue([job('normal', index)]);
    });
    const outcomes = (await Promise.all(calls)).flat();

    assert.equal(flushes, 20);
    assert.equal(outcomes.filter((outcome) => outcome === 'queued').length, 1_000);
  });

  it('B9: a subscriber that has silently died is noticed, and hints flow again', async () => {
    const reports: string[] = [];
    const log = { info: () => undefined, warn: (_: object, message: string) => void reports.push(message) };
    await open({ heartbeatMs: 300, log });
    let hints = 0;
    new WakeUps(redis, { taskQueue: TASK_QUEUE }).onJob(() => {
      hints += 1;
    });
    await eventually(() => hints === 1, { what: 'the first subscription' });
    proxy.set('blackHole');

    await eventually(() => reports.length === 1, { withinMs: 5_000, what: 'the report of the dead subscriber' });
    proxy.set('pass');
    await eventually(() => hints === 2, { withinMs: 5_000, what: 'the second subscription' });
    const seen = hints;
    await eventually(() => queueOn(redis).enqueue([job('high', 1)]));
    await eventually(() => hints > seen, { what: 'a hint after the second subscription' });
  });

  it('reports the beginning and the end of an outage once each', async () => {
    const reports: string[] = [];
    const report = (_: object, message: string): void => void reports.push(message);
    await open({ log: { info: report, warn: report } });
    proxy.set('refuse');
    proxy.closeAll();

    await eventually(() => timeOfRefusal(() => queueOn(redis).depth()));
    await eventually(() => reports.length === 1);
    proxy.set('pass');
    await answersAgain();

    await eventually(() => reports.length === 2);
    assert.deepEqual(reports, ['Redis does not answer; reconnecting until it does', 'Redis answers again']);
  });

  it('names the address but no password in what it says', async () => {
    proxy.set('refuse');
    await open({ url: `redis://user:hidden-word@127.0.0.1:${proxy.port}/3` });

    await assert.rejects(queueOn(redis).depth(), (error: Error) => {
      assert.match(error.message, new RegExp(`Redis at 127\\.0\\.0\\.1:${proxy.port} .*muster status`));
      assert.ok(!JSON.stringify(error).includes('hidden-word') && !String(error).includes('hidden-word'));
      return true;
    });
  });

  it('closes twice, and on a connection that swallows everything', async () => {
    await open();
    proxy.set('blackHole');

    await redis.close();
    await redis.close();

    assert.ok((await timeOfRefusal(() => queueOn(redis).depth())) < SLACK_MS * patience());
  });
});
