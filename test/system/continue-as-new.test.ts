import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { loadConfig } from '../../config.ts';
import { defineAgent, defineGraph, defineTool } from '../../index.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { ownServersContext, serviceKinds } from '../../servers/start/server-kinds.ts';
import { SEARCH_ATTRIBUTE_SETTINGS } from '../../servers/start/temporal.ts';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { eventually } from '../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended } from './acceptance/views.ts';

let hold: Promise<void> | null = null;
const begun: string[] = [];

const step = defineAgent({
  name: 'continued-step',
  input: z.object({ n: z.unknown() }),
  output: z.object({ n: z.number() }),
  handle: async ({ n }, { nodeId }) => {
    begun.push(nodeId);
    await hold;
    return { n: Number(n) + 1 };
  },
});
const one = defineGraph({
  name: 'continued-one',
  input: z.object({ iteration: z.number() }),
  nodes: { step: { agent: step, input: { n: '/task/iteration' } } },
  output: '/nodes/step',
});
const continued = defineGraph({
  name: 'continued',
  input: z.object({}),
  nodes: { loop: { repeat: one, until: { pointer: '/output/n', is: 'gte', value: 10 }, most: 12 } },
  output: '/nodes/loop',
});

const count = defineTool({
  ...{ name: 'count', description: 'Counts.', risk: 'external_write', effect: 'natural' },
  ...{ input: z.object({ to: z.number() }), output: z.number() },
  handle: ({ to }) => {
    counted.push(to);
    return to;
  },
});
const counted: number[] = [];
const counter = defineAgent({
  ...{ name: 'counter', input: z.object({}), output: z.object({ steps: z.number() }), model: 'default' },
  instructions: 'Count to six, one call at a time.',
  tools: [count],
});
const counting = defineGraph({
  name: 'counting',
  input: z.object({}),
  nodes: { count: { agent: counter, input: {} } },
  output: '/nodes/count',
});

const sign = defineTool({
  ...{ name: 'sign', description: 'Signs.', risk: 'external_write', effect: 'natural' },
  ...{ input: z.object({}), output: z.string(), handle: () => 'signed' },
});
const signer = defineAgent({
  ...{ name: 'signer', input: z.object({}), output: z.object({ said: z.string() }), model: 'default' },
  instructions: 'Have it signed.',
  tools: [sign],
});
const signing = defineGraph({
  name: 'signing',
  input: z.object({}),
  nodes: { sign: { agent: signer, input: {} }, count: { agent: counter, input: {} } },
  output: '/nodes/sign',
});

describe('a workflow of which the server thinks that it is long', () => {
  let folder: string;
  let server: { kill: (signal: 'SIGKILL') => boolean };
  let muster: MusterUnderTest;
  let temporal: TemporalClient;
  let models: ModelServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-continued-'));
    const program = await serviceKinds(ownServersContext(loadConfig({}).services)).temporal.find();
    assert.ok(program !== null, 'expected a Temporal to be installed');
    const [port, uiPort] = [await choosePort(null), await choosePort(null)];
    server = execa(
      program.path,
      [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
        ...['--db-filename', join(folder, 'temporal.db')],
        ...['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=36'],
        ...SEARCH_ATTRIBUTE_SETTINGS.flatMap((setting) => ['--search-attribute', setting]),
      ],
      { reject: false, stdio: 'ignore' },
    );
    const address = `127.0.0.1:${port}`;
    temporal = await eventually(() => connectClient({ address, namespace: 'default' }), { withinMs: 30_000 });
    models = await startModelServer(({ messages }) => {
      const steps = messages.filter(({ role }) => role === 'assistant').length;
      if (messages[0]?.content === 'Have it signed.') {
        return steps === 0 ? { calls: [{ tool: 'sign', arguments: {} }] } : { text: '{"said":"signed"}' };
      }
      if (steps === 6) return { text: JSON.stringify({ steps }) };
      return { calls: [{ tool: 'count', arguments: { to: steps + 1 } }] };
    });
    const environment = { TEMPORAL_ADDRESS: address, MUSTER_MODELS: await modelsFile(models.url) };
    muster = await openMuster('continued', { environment });
    await muster.work({ graphs: [continued, counting, signing] });
    await muster.client.operations.grants.allow({ agent: 'counter', tool: 'count' });
    await muster.client.operations.grants.allow({ agent: 'signer', tool: 'sign', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
    await temporal?.close();
    server?.kill('SIGKILL');

    await rm(folder, { recursive: true, force: true });
  });

  it('continues as new with its whole state: a container under way, and a pause', async () => {
    const gate = Promise.withResolvers<void>();
    const task = await muster.client.submit('continued', {});
    await eventually(() => begun.length >= 3, { withinMs: 30_000 });
    hold = gate.promise;
    await eventually(() => begun.length >= 4, { withinMs: 30_000 });
    await task.pause();
    gate.resolve();
    await eventually(async () => (await task.read()).status === 'paused', { withinMs: 30_000 });
    const before = begun.length;
    await task.resume();
    const view = await ended(task);

    assert.deepEqual(view.output, { n: 10 });
    assert.deepEqual(
      begun,
      Array.from({ length: 10 }, (_, index) => `loop[${index}]/step`),
    );
    assert.ok(before < 10, 'expected the pause to hold what had not begun');
    assert.ok((await runsOf(task.workflowId)) > 1, 'expected the workflow to have continued as new');
  });

  it('K013: continues as new between two steps of a thinking agent, and asks nothing twice', async () => {
    const task = await muster.client.submit('counting', {});
    const view = await ended(task);

    assert.deepEqual(view.output, { steps: 6 });
    assert.deepEqual(counted, [1, 2, 3, 4, 5, 6]);
    assert.equal(models.asked.length, 7);
    assert.ok((await runsOf(task.workflowId)) > 1, 'expected the workflow to have continued as new');
  });

  it('K038: continues as new while a person is asked, so that nobody else waits for them', async () => {
    counted.length = 0;
    const task = await muster.client.submit('signing', {});
    const { approvals } = muster.client.operations;

    await eventually(async () => (await task.read()).status === 'waiting_approval', { withinMs: 60_000 });
    assert.deepEqual(counted, [1, 2, 3, 4, 5, 6]);
    assert.ok((await runsOf(task.workflowId)) > 1, 'expected the workflow to have continued as new');
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    const view = await ended(task);

    assert.deepEqual(view.output, { said: 'signed' });
    assert.deepEqual(
      view.traces[0]?.steps.filter(({ path }) => path === 'sign').map(({ attempts }) => attempts),
      [1, 1],
    );
  });

  /** How many runs a workflow has had. */
  async function runsOf(workflowId: string): Promise<number> {
    let count = 0;
    for await (const _ of temporal.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) count += 1;
    return count;
  }
});
