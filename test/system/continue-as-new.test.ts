import assert from 'node:assert/strict';
import { z } from 'zod';
import { WAIT_ENDED } from '../../domain/tasks/run-waits.ts';
import { defineAgent, defineGraph, defineTool } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { type OwnTemporal, startTemporal } from '../support/own-temporal.ts';
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

const told = defineGraph({
  name: 'told',
  input: z.object({}),
  nodes: { wait: { wait: { for: 'message', name: 'sign' } }, count: { agent: counter, input: {} } },
  output: '/nodes/wait',
});
const next = defineGraph({
  name: 'next-message',
  input: z.object({}),
  nodes: { wait: { wait: { for: 'message', name: 'number' } } },
  output: { number: '/nodes/wait' },
});
const inbox = defineGraph({
  name: 'inbox',
  input: z.object({}),
  nodes: { loop: { repeat: next, until: { pointer: '/output/number', is: 'gte', value: 30 }, most: 40 } },
  output: '/nodes/loop',
});

describe('a workflow of which the server thinks that it is long', () => {
  let server: OwnTemporal;
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    server = await startTemporal({ suggestAt: 36 });
    models = await startModelServer(({ messages }) => {
      const steps = messages.filter(({ role }) => role === 'assistant').length;
      if (messages[0]?.content === 'Have it signed.') {
        return steps === 0 ? { calls: [{ tool: 'sign', arguments: {} }] } : { text: '{"said":"signed"}' };
      }
      if (steps === 6) return { text: JSON.stringify({ steps }) };
      return { calls: [{ tool: 'count', arguments: { to: steps + 1 } }] };
    });
    const environment = { TEMPORAL_ADDRESS: server.address, MUSTER_MODELS: await modelsFile(models.url) };
    muster = await openMuster('continued', { environment });
    await muster.work({ graphs: [continued, counting, signing, told, inbox] });
    await muster.client.operations.grants.allow({ agent: 'counter', tool: 'count' });
    await muster.client.operations.grants.allow({ agent: 'signer', tool: 'sign', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
    await server?.close();
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

  it('continues as new while a node waits for a message, which still comes to it', async () => {
    counted.length = 0;
    const task = await muster.client.submit('told', {});

    await eventually(async () => (await task.read()).status === 'waiting_input', { withinMs: 60_000 });
    assert.deepEqual(counted, [1, 2, 3, 4, 5, 6]);
    assert.ok((await runsOf(task.workflowId)) > 1, 'expected the workflow to have continued as new');
    await task.send('sign', 'signed');
    const view = await ended(task);

    assert.equal(view.output, 'signed');
    assert.equal(view.traces[0]?.events.filter(({ type }) => type === 'run.waits').length, 1);
  });

  it('continues as new although nothing comes of many looks at what a node waits for', async () => {
    const task = await muster.client.submit('inbox', {});
    const waits = () => muster.client.call('tasks.waits', { id: task.id });
    await eventually(async () => assert.equal((await waits()).length, 1), { withinMs: 30_000 });
    const [wait] = await waits();
    const workflow = server.temporal.client.workflow.getHandle(task.workflowId);
    for (let look = 0; look < 40 && (await runsOf(task.workflowId)) === 1; look += 1) {
      await workflow.signal(WAIT_ENDED, wait?.id ?? '');
    }

    await eventually(async () => assert.ok((await runsOf(task.workflowId)) > 1), { withinMs: 30_000 });
    await task.send('number', 30);
    assert.deepEqual((await ended(task)).output, { number: 30 });
  });

  it('D8: loses no message, sent before, during and after it continues as new, and keeps their order', async () => {
    const task = await muster.client.submit('inbox', {});
    const waits = () => muster.client.call('tasks.waits', { id: task.id });
    for (let number = 1; number <= 30; number += 2) {
      await eventually(async () => assert.equal((await waits()).length, 1), { withinMs: 30_000 });
      await task.send('number', number);
      await task.send('number', number + 1);
    }
    const view = await ended(task);

    const outputs = view.traces[0]?.runs
      .filter(({ nodeId }) => nodeId === 'wait')
      .map(({ outputStart }) => outputStart);
    assert.deepEqual(
      outputs?.map(Number).toSorted((one, other) => one - other),
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    assert.deepEqual(view.output, { number: 30 });
    assert.ok((await runsOf(task.workflowId)) > 1, 'expected the workflow to have continued as new');
  });

  /** How many runs a workflow has had. */
  async function runsOf(workflowId: string): Promise<number> {
    let count = 0;
    for await (const _ of server.temporal.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) count += 1;
    return count;
  }
});
