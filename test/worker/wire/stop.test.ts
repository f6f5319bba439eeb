import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../../support/bare-environment.ts';
import { eventually, patience } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { startProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { graphs } from './fixtures/stubborn-agents.ts';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const CLI = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
const AGENTS = fixture('stubborn-agents.ts');

const ADDRESSES = ['MUSTER_DATABASE_URL', 'MUSTER_REDIS_URL', 'TEMPORAL_ADDRESS'] as const;
type Address = (typeof ADDRESSES)[number];

const GRACE_SECONDS = 1;
/** Five seconds after the grace time, and what a busy machine adds. */
const GONE_WITHIN_MS = GRACE_SECONDS * 1_000 + 5_000 + 5_000;
const STOP_INCOMPLETE = 75;

/** A worker in a process of its own. */
interface Worker {
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly ended: Promise<number | null>;
}

describe('a worker that is told to stop', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let folder: string;
  const workers: Worker[] = [];
  const proxies: TcpProxy[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'muster-stop-'));
    muster = await openMuster('stop');
  });

  after(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    for (const proxy of proxies) await proxy.close();
    await muster.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(args: readonly string[], more: Readonly<Record<string, string>>): Worker {
    const grace = { MUSTER_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS), MUSTER_LOG_LEVEL: 'info' };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      env: { ...bareEnvironment(), ...muster.environment, ...grace, ...more },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const worker = { child, log: () => log, ended: once(child, 'exit').then(([code]) => code as number | null) };
    workers.push(worker);
    return worker;
  }

  async function ready(worker: Worker): Promise<Worker> {
    const isReady = () => {
      assert.equal(worker.child.exitCode, null, worker.log());
      return worker.log().includes('the worker is ready');
    };
    await eventually(isReady, { withinMs: 60_000, what: 'the start of a worker' });
    return worker;
  }

  const command = (more: Readonly<Record<string, string>>) => start([CLI, 'worker', '--agents', AGENTS], more);

  /** Sends SIGTERM, and says how the process ended and after how many milliseconds. */
  async function stop({ child, ended }: Worker): Promise<{ code: number | null; afterMs: number }> {
    const toldAt = performance.now();
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 3 * GONE_WITHIN_MS);
    const code = await ended;
    clearTimeout(killer);
    return { code, afterMs: performance.now() - toldAt };
  }

  /** A way to one of the servers that can be closed to one worker. */
  async function wayTo(address: Address): Promise<{ proxy: TcpProxy; through: Record<string, string> }> {
    const direct = muster.environment[address] ?? '';
    const [, targetPort = ''] = /:(\d+)(?:\/|$)/.exec(direct) ?? [];
    const proxy = await startProxy({ targetPort: Number(targetPort) });
    proxies.push(proxy);
    return { proxy, through: { [address]: direct.replace(`:${targetPort}`, `:${proxy.port}`) } };
  }

  async function submitRunning(graph: string, taskQueue: string) {
    const until = join(folder, `${taskQueue}.end`);
    const task = await muster.client.submit(graph, { until });
    await eventually(() => existsSync(`${until}.begun`), { withinMs: 30_000, what: 'the node' });
    return { task, release: () => writeFileSync(until, '') };
  }

  it('is gone five seconds after its grace time, with 75, when a quick node ignores its signal; the task continues elsewhere', async () => {
    const taskQueue = `${muster.taskQueue}-quick`;
    const worker = await ready(start([fixture('run-worker.ts'), AGENTS], { MUSTER_TASK_QUEUE: taskQueue }));
    const { task, release } = await submitRunning('stubborn-quick', taskQueue);

    const { code, afterMs } = await stop(worker);

    assert.equal(code, STOP_INCOMPLETE, worker.log());
    assert.ok(afterMs < GONE_WITHIN_MS * patience(), `${afterMs} ms`);
    assert.match(worker.log(), /could not stop in time/);
    assert.doesNotMatch(worker.log(), /panicked/);
    release();
    await muster.work({ graphs, taskQueue });
    assert.deepEqual((await task.result()).output, { done: true });
  });

  it('is gone in that time while the end of a task cannot be written; the end is written elsewhere', async () => {
    const taskQueue = `${muster.taskQueue}-close`;
    const { proxy, through } = await wayTo('MUSTER_DATABASE_URL');
    const worker = await ready(command({ ...through, MUSTER_TASK_QUEUE: taskQueue }));
    const { task, release } = await submitRunning('stubborn-slow', taskQueue);
    proxy.set('blackHole');
    await task.cancel();
    const lost = proxy.dropped;
    await eventually(() => proxy.dropped > lost, { withinMs: 30_000, what: 'the end that is being written' });

    const { code, afterMs } = await stop(worker);

    assert.equal(code, STOP_INCOMPLETE, worker.log());
    assert.ok(afterMs < GONE_WITHIN_MS * patience(), `${afterMs} ms`);
    assert.doesNotMatch(worker.log(), /panicked/);
    release();
    await muster.work({ graphs, taskQueue });
    const isCancelled = async () => assert.equal((await task.read()).status, 'cancelled');
    await eventually(isCancelled, { withinMs: 60_000 });
  });

  it('is gone in that time whichever of its servers says nothing, with a code that says whether it closed', async () => {
    const ends = await Promise.all(
      ADDRESSES.map(async (address) => {
        const { proxy, through } = await wayTo(address);
        const worker = await ready(command({ ...through, MUSTER_TASK_QUEUE: `${muster.taskQueue}-${address}` }));
        proxy.set('blackHole');
        await eventually(() => proxy.dropped > 0, { withinMs: 30_000, what: `the silence of ${address}` });
        return { ...(await stop(worker)), log: worker.log() };
      }),
    );

    for (const [index, { code, afterMs, log }] of ends.entries()) {
      const address = ADDRESSES[index] ?? '';
      assert.equal(code, log.includes('the worker has stopped') ? 0 : STOP_INCOMPLETE, `${address}: ${log}`);
      assert.ok(afterMs < GONE_WITHIN_MS * patience(), `${address}: ${afterMs} ms`);
    }
  });

  it('is gone in that time, with 0, when it has stopped and a socket of the user is still open, which it names', async () => {
    const environment = { MUSTER_TASK_QUEUE: `${muster.taskQueue}-left` };
    const worker = await ready(start([fixture('run-worker.ts'), fixture('leaving-agents.ts')], environment));

    const { code, afterMs } = await stop(worker);

    assert.equal(code, 0, worker.log());
    assert.ok(afterMs < GONE_WITHIN_MS * patience(), `${afterMs} ms`);
    assert.match(worker.log(), /the worker has stopped[\s\S]*"stillOpen":\[[^\]]*"TCPServerWrap"/);
  });

  it('ends at once, with 75, when it is told a second time', async () => {
    const taskQueue = `${muster.taskQueue}-twice`;
    const patient = { MUSTER_SHUTDOWN_GRACE_SECONDS: '600', MUSTER_TASK_QUEUE: taskQueue };
    const { child, ended, log } = await ready(command(patient));
    const { release } = await submitRunning('stubborn-slow', taskQueue);
    child.kill('SIGTERM');
    await eventually(() => log().includes('the worker is stopping'), {
      withinMs: 10_000,
      what: 'the beginning of the stop',
    });

    const again = setInterval(() => child.kill('SIGTERM'), 1_000);
    const code = await ended;
    clearInterval(again);
    release();

    assert.equal(code, STOP_INCOMPLETE, log());
  });

  it('ends during its start, whichever server it waits for, and publishes nothing', async () => {
    const waiting = Promise.withResolvers<void>();
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      waiting.resolve();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const taskQueue = `${muster.taskQueue}-start`;
    const worker = command({ TEMPORAL_ADDRESS: `127.0.0.1:${port}`, MUSTER_TASK_QUEUE: taskQueue });
    await waiting.promise;

    const { code, afterMs } = await stop(worker);
    silent.close();

    assert.equal(code, 0, worker.log());
    assert.ok(afterMs < GONE_WITHIN_MS * patience(), `${afterMs} ms`);
    assert.doesNotMatch(worker.log(), /is ready/);
  });
});
