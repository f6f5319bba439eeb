import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { RunningWorker } from '../../worker.ts';
import { freePort } from '../cli/cli-under-test.ts';
import { eventually, patience } from '../support/eventually.ts';
import { askHealth, readMetrics } from '../support/health.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { sharedStack } from '../support/stack.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { graphs } from './health-graphs.ts';

const MODULE = fileURLToPath(new URL('./health-graphs.ts', import.meta.url));
const LARGE = process.env.MUSTER_FAULTS === 'large';
/** What F11 allows between the moment at which progress stops and red. */
const RED_WITHIN_MS = 15_000;

describe('the health of a worker', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let proxies: Record<'postgresql' | 'redis' | 'temporal', TcpProxy>;
  let worker: RunningWorker;
  let port = 0;

  before(async () => {
    const stack = await sharedStack();
    const portOf = (address: string) => Number(new URL(address.includes('//') ? address : `tcp://${address}`).port);
    const proxyOf = (address: string) => startProxy({ targetPort: portOf(address) });
    proxies = {
      postgresql: await proxyOf(stack.databaseUrl),
      redis: await proxyOf(stack.redisUrl),
      temporal: await proxyOf(stack.temporalAddress),
    };
    muster = await openMuster('health');
    const through = (address: string | undefined, proxy: TcpProxy) =>
      (address ?? '').replace(/:\d+(?=\/|$)/, `:${proxy.port}`);
    worker = await muster.work({
      graphs,
      environment: {
        ...muster.environment,
        MUSTER_DATABASE_URL: through(muster.environment.MUSTER_DATABASE_URL, proxies.postgresql),
        MUSTER_REDIS_URL: through(muster.environment.MUSTER_REDIS_URL, proxies.redis),
        TEMPORAL_ADDRESS: through(muster.environment.TEMPORAL_ADDRESS, proxies.temporal),
      },
    });
    port = worker.healthPort ?? assert.fail('it answers nowhere');
  });
  afterEach(async () => {
    for (const proxy of Object.values(proxies)) proxy.set('pass');
    await isReady();
  });
  after(async () => {
    await muster?.close();
    await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.close()));
  });

  const isReady = () =>
    eventually(async () => assert.equal((await askHealth(port, 'ready')).body.status, 'ready'), {
      withinMs: 30_000,
      everyMs: 200,
    });
  const becomes = (status: number, body: string, withinMs = RED_WITHIN_MS) =>
    eventually(
      async () => {
        const health = await askHealth(port, 'ready');
        assert.deepEqual([health.status, health.body.status], [status, body]);
        return health;
      },
      { withinMs, everyMs: 100 },
    );

  it('is alive and ready while it works, with every service asked', async () => {
    const live = await askHealth(port, 'live');
    const ready = await becomes(200, 'ready');

    assert.deepEqual([live.status, live.body], [200, { status: 'alive', stalls: [] }]);
    assert.deepEqual(ready.body.stalls, []);
    assert.deepEqual(
      Object.entries(ready.body.services ?? {}).map(([name, { ok }]) => [name, ok]),
      [
        ['postgresql', true],
        ['redis', true],
        ['temporal', true],
      ],
    );
  });

  it('has figures of what it did, and no stranded connection', async () => {
    const task = await muster.client.submit('plain', {});
    await task.result();

    const metrics = await eventually(async () => {
      const figures = await readMetrics(port);
      assert.equal(figures.get('muster_tasks_ended_total{status="completed"}'), 1);
      return figures;
    });

    assert.equal(metrics.get('muster_node_duration_seconds_count{agent="worker",outcome="ok"}'), 1);
    assert.equal(metrics.get('muster_tasks_claimed'), 1);
    assert.equal(metrics.get('muster_pool_connections{state="stranded"}'), 0);
    assert.equal(metrics.get('muster_redis_unavailable'), 0);
    assert.equal(metrics.get('muster_tasks_waiting{band="normal"}'), 0);
    assert.ok(
      (metrics.get('muster_agents{status="active"}') ?? 0) + (metrics.get('muster_agents{status="idle"}') ?? 0) > 0,
    );
    assert.ok((metrics.get('muster_heartbeat_age_seconds') ?? 99) < 30);
    assert.equal(metrics.get('muster_stalled{kind="loop_stuck"}'), 0);
  });

  it('F11: is degraded and ready while Redis hangs, because work continues', async () => {
    proxies.redis.set('blackHole');

    await becomes(200, 'degraded');
    const task = await muster.client.submit('plain', {});
    await task.result();

    assert.ok(proxies.redis.dropped > 0);
    assert.equal((await readMetrics(port)).get('muster_redis_unavailable'), 1);
  });

  it('F11: is red within 15 s while Temporal hangs, and alive', async () => {
    proxies.temporal.set('blackHole');

    await becomes(503, 'not_ready');
    const live = await askHealth(port, 'live');

    await eventually(async () => assert.equal((await askHealth(port, 'ready')).body.services?.temporal?.ok, false));
    assert.ok(proxies.temporal.dropped > 0);
    assert.equal(live.status, 200);
  });

  it('F11: is red within 15 s while PostgreSQL hangs, answers in time, and has no old figures', async () => {
    proxies.postgresql.set('blackHole');

    await eventually(async () => assert.equal((await askHealth(port, 'ready')).body.services?.postgresql?.ok, false));
    await becomes(503, 'not_ready');
    const metrics = await readMetrics(port);
    const live = await askHealth(port, 'live');

    assert.equal(metrics.has('muster_outbox_unsent_age_seconds'), false);
    assert.equal(metrics.get('muster_redis_unavailable'), 0);
    assert.equal(live.status, 200);
  });

  it('F11: stays alive through half a minute without PostgreSQL, since starting it again would not help', async function () {
    if (!LARGE) this.skip();
    proxies.postgresql.set('blackHole');
    const until = performance.now() + 30_000;

    const statuses = new Set<string>();
    await eventually(
      async () => {
        const { status, body } = await askHealth(port, 'live');
        statuses.add(`${status} ${JSON.stringify(body.stalls ?? [])}`);
        return performance.now() > until;
      },
      { withinMs: 40_000, everyMs: 200 },
    );

    assert.deepEqual([...statuses], ['200 []']);
  });

  it('stays ready while a task waits for another one of its user, however long that takes', async () => {
    const tasks = [
      await muster.client.submit('waiting', {}, { user: 'ada' }),
      await muster.client.submit('waiting', {}, { user: 'ada' }),
    ];
    const until = performance.now() + RED_WITHIN_MS;

    await eventually(
      async () => {
        assert.deepEqual((await askHealth(port, 'ready')).body.stalls, []);
        return performance.now() > until;
      },
      { withinMs: 2 * RED_WITHIN_MS, everyMs: 250 },
    );

    const statuses = await Promise.all(tasks.map(async ({ id }) => (await muster.client.task(id).read()).status));
    assert.deepEqual(statuses.sort(), ['in_progress', 'pending']);
    for (const task of tasks.reverse()) await task.cancel();
  });

  it('F11: is red within 15 s when an agent repeats itself, and well again when it is stopped', async () => {
    const task = await muster.client.submit('endless', {});
    const health = await becomes(503, 'not_ready');
    assert.deepEqual(
      health.body.stalls?.map(({ kind }) => kind),
      ['agent_repeats'],
    );
    assert.equal((await readMetrics(port)).get('muster_agent_repetitions_total{agent="looper"}'), 1);
    assert.equal((await askHealth(port, 'live')).status, 200);
    await task.cancel();

    await becomes(200, 'ready');
  });

  describe('in a process of its own', () => {
    let processes: WorkerProcess[] = [];
    let other: MusterUnderTest;

    before(async () => {
      other = await openMuster('health of a process');
    });
    afterEach(async () => {
      await Promise.all(processes.map((each) => each.close()));
      processes = [];
    });
    after(() => other?.close());

    async function spawn(failpoints?: string): Promise<{ process: WorkerProcess; at: number }> {
      const at = await freePort();
      const process = await WorkerProcess.start({
        environment: other.environment,
        module: MODULE,
        ...(failpoints === undefined ? {} : { failpoints }),
        more: { MUSTER_HEALTH_PORT: String(at) },
        folder: other.stack.folder,
      });
      processes.push(process);
      return { process, at };
    }

    it('F11: is red within 15 s when its dispatcher takes no more work, with that as the reason', async () => {
      const { process, at } = await spawn('before_lease:hang:3');
      await eventually(async () => assert.equal((await askHealth(at, 'ready')).status, 200));
      await other.client.submit('plain', {});
      const started = performance.now();
      await eventually(async () => assert.equal((await askHealth(at, 'ready')).status, 503), {
        withinMs: RED_WITHIN_MS + 3_000,
        everyMs: 100,
      });
      const redAfterMs = performance.now() - started;

      const kinds = await eventually(async () => {
        const found = (await askHealth(at, 'ready')).body.stalls?.map(({ kind }) => kind) ?? [];
        assert.deepEqual([...found].sort(), ['loop_stuck', 'work_not_taken']);
        return found;
      });
      assert.ok(
        redAfterMs < RED_WITHIN_MS * patience(),
        `red after ${Math.round(redAfterMs)} ms, by ${kinds.join(', ')}`,
      );
      assert.equal((await askHealth(at, 'live')).status, 503);
      await eventually(() => process.log.some((line) => line.includes('is making no progress')));
    });

    it('F11: is red while it is stopped and right after it, and well again later', async () => {
      const { process, at } = await spawn();
      await eventually(async () => assert.equal((await askHealth(at, 'live')).status, 200));
      process.signal('SIGSTOP');
      const stopped = await askHealth(at, 'live');
      const until = performance.now() + 8_000;
      await eventually(async () => (await askHealth(at, 'live')).status === 0 && performance.now() > until);
      process.signal('SIGCONT');

      const afterwards = await eventually(
        async () => {
          const health = await askHealth(at, 'live');
          assert.equal(health.status, 503);
          return health;
        },
        { withinMs: 5_000 },
      );

      assert.equal(stopped.status, 0);
      assert.deepEqual(
        afterwards.body.stalls?.map(({ kind }) => kind),
        ['event_loop_blocked'],
      );
      await eventually(async () => assert.equal((await askHealth(at, 'live')).status, 200), { withinMs: 30_000 });
    });
  });
});
