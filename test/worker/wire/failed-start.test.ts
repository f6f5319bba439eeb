import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { connectWorker } from '../../../temporal/connect-worker.ts';
import { workflowBundlePath } from '../../../worker/bundle/workflow-bundle.ts';
import { quietRuntime } from '../../../worker/wire/open-worker.ts';
import { createOn } from '../../../worker/wire/temporal-worker.ts';
import { CliUnderTest, freePort } from '../../cli/cli-under-test.ts';
import { startProxy } from '../../support/tcp-proxy.ts';

const AGENTS = new URL('./fixtures/stubborn-agents.ts', import.meta.url).href;
const MAIN = fileURLToPath(new URL('./fixtures/failing-starts.ts', import.meta.url));
/** For all the starts, two of which wait for five seconds. */
const STARTS_MS = 90_000;
/** For a process to end that has nothing open any more, on a busy machine. */
const ENDS_WITHIN_MS = 10_000;

const text = z.object({ text: z.string() });
const echo = defineAgent({ name: 'routed', quick: true, input: text, output: text, handle: (input) => input });
const graph = defineGraph({
  name: 'routed',
  input: text,
  nodes: { echo: { agent: echo, input: { text: '/task/text' } } },
  output: '/nodes/echo',
});

describe('a worker that cannot start', function () {
  this.timeout(120_000);
  let cli: CliUnderTest;
  /** Listens and never says anything. */
  let silent: Server;
  let silentPort: number;

  before(async () => {
    cli = await CliUnderTest.open('failed start');
    silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    silentPort = (silent.address() as AddressInfo).port;
  });

  after(async () => {
    silent.close();
    await cli.close();
  });

  it('leaves nothing open, whichever step failed: its process ends by itself', async () => {
    const { environment, stack } = cli.muster;
    const nobody = `127.0.0.1:${await freePort()}`;
    const database = new URL(environment.MUSTER_DATABASE_URL ?? '');
    const steps: readonly (readonly [Record<string, string>, string])[] = [
      [{ MUSTER_DATABASE_URL: database.href.replace(database.host, nobody) }, 'service_unreachable'],
      [{ MUSTER_DATABASE_URL: database.href.replace(database.host, `127.0.0.1:${silentPort}`) }, 'service_unreachable'],
      [{ MUSTER_DATABASE_URL: stack.databaseUrl }, 'schema_drift'],
      [{ TEMPORAL_ADDRESS: 'http://[' }, 'config_invalid'],
      [{ TEMPORAL_ADDRESS: 'not an address' }, 'config_invalid'],
      [{ TEMPORAL_ADDRESS: nobody }, 'service_unreachable'],
      [{ TEMPORAL_ADDRESS: `127.0.0.1:${silentPort}` }, 'service_unreachable'],
      [{ TEMPORAL_TLS_CLIENT_CERT_DATA: 'none', TEMPORAL_TLS_CLIENT_KEY_DATA: 'none' }, 'config_invalid'],
      [{ TEMPORAL_NAMESPACE: 'missing' }, 'config_invalid'],
      [{ TEMPORAL_NAMESPACE: 'missing', MUSTER_REDIS_URL: `redis://${nobody}` }, 'config_invalid'],
      [{ TEMPORAL_NAMESPACE: 'missing', MUSTER_REDIS_URL: `redis://127.0.0.1:${silentPort}` }, 'config_invalid'],
      [{ MUSTER_HEALTH_PORT: String(silentPort) }, 'config_invalid'],
    ];
    const environments = steps.map(([faults]) => ({ ...environment, ...faults }));
    const flags = ['--disable-warning=ExperimentalWarning', MAIN, JSON.stringify(environments)];
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'ignore'] });
    const codes: string[] = [];
    const killer = setTimeout(() => child.kill('SIGKILL'), STARTS_MS);
    child.stdout.setEncoding('utf8').on('data', (lines: string) => {
      codes.push(...lines.trim().split('\n'));
      if (codes.length > steps.length) setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS).unref();
    });

    const [status] = await once(child, 'close');
    clearTimeout(killer);

    assert.equal(status, 0);
    assert.deepEqual(
      codes.slice(0, -1),
      steps.map(([, code]) => code),
    );
    assert.match(codes.at(-1) ?? '', /a broken bundle/);
  });

  it('ends its command with 1 within seconds, even when a module of the user keeps the process busy', async () => {
    const module = cli.file('busy.mjs', `setInterval(() => {}, 1_000); export * from ${JSON.stringify(AGENTS)};`);

    const command = cli.start(['worker', '--agents', module], { environment: { TEMPORAL_NAMESPACE: 'missing' } });
    const { exitCode, stderr } = await command.ended;

    assert.equal(exitCode, 1);
    assert.match(stderr, /^muster: .*has no namespace "missing"/);
  });

  it('says in a sentence that it lost Temporal on the way', async () => {
    const { temporalAddress, temporalNamespace: namespace } = cli.muster.stack;
    const proxy = await startProxy({ targetPort: Number(temporalAddress.split(':')[1]) });
    quietRuntime(pino({ level: 'silent' }));
    const temporal = await connectWorker({ address: `127.0.0.1:${proxy.port}`, namespace });
    await proxy.close();

    const creating = createOn(temporal, {
      taskQueue: 'lost',
      workflowBundle: { codePath: await workflowBundlePath() },
    });

    await assert.rejects(creating, {
      code: 'service_unreachable',
      message: /^Temporal at \S+ does not answer: the connection was lost while the worker started\. [^{}]+$/,
    });
    await temporal.close();
  });

  it('leaves its graphs to the worker that has them', async () => {
    await cli.muster.work({ graphs: [graph] });
    const unusable = { ...cli.muster.environment, MUSTER_HEALTH_PORT: String(silentPort) };

    await assert.rejects(
      cli.muster.work({ graphs: [graph], taskQueue: `${cli.muster.taskQueue}-b`, environment: unusable }),
      { code: 'config_invalid' },
    );
    const task = await cli.muster.client.submit('routed', { text: 'hello' });

    assert.deepEqual((await task.result()).output, { text: 'hello' });
  });
});
