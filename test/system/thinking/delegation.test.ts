import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, operation, type TaskHandle, type TaskView } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';

const request = z.object({ request: z.string() });

/** What was paid back, in the order of the calls. */
const paid: string[] = [];

const refund = defineTool({
  ...{ name: 'refund', risk: 'external_write', effect: 'natural', input: z.object({ order: z.string() }) },
  output: z.string(),
  handle: ({ order }, { agent }) => {
    paid.push(`${agent} ${order}`);
    return 'paid';
  },
});

/** Agents that do what they are told: pay back, or ask the next one to. */
const AGENTS = ['intern', 'clerk', 'cashier', 'treasurer'].map((name) =>
  defineAgent({
    ...{ name, input: request, output: z.string(), model: 'default', instructions: `You are the ${name}.` },
    tools: [refund, operation('tasks.submit')],
  }),
);

const graphs = AGENTS.map((agent) =>
  defineGraph({
    name: `ask-${agent.name}`,
    input: request,
    nodes: { work: { agent, input: { request: '/task/request' } } },
    output: '/nodes/work',
  }),
);

/** A node that no agent asked for, between an agent and the task that it wants. */
const relaying = defineGraph({
  name: 'relay',
  input: request,
  nodes: {
    relay: {
      tool: operation('tasks.submit'),
      input: { graph: { value: 'ask-treasurer' }, input: '/task' },
    },
  },
  output: '/nodes/relay',
});

/** `clerk > treasurer > A-1`: submits to the first named with the rest of the way; what has no way is an order to pay back. */
function obey({ messages }: Asked): Reply {
  if (messages.some(({ role }) => role === 'tool')) return { text: messages.at(-1)?.content ?? '' };
  const { request: way } = JSON.parse(messages[1]?.content ?? '{}') as { request: string };
  const [next = '', ...rest] = way.split(' > ');
  if (rest.length === 0) return { calls: [{ tool: 'refund', arguments: { order: next } }] };
  const [name = '', repeat] = next.split(' every ');
  const graph = name === 'relay' ? name : `ask-${name}`;
  const options = repeat === undefined ? {} : { repeat: { every: repeat } };
  const submit = { graph, input: { request: rest.join(' > ') }, ...options };
  return { calls: [{ tool: 'tasks_submit', arguments: submit }] };
}

describe('an agent that hands its work on', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(obey);
    muster = await openMuster('delegation', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [...graphs, relaying] });
    const { grants } = muster.client.operations;
    for (const { name } of AGENTS) await grants.allow({ agent: name, tool: 'tasks.submit' });
    await grants.allow({ agent: 'clerk', tool: 'refund', approval: true });
    for (const agent of ['cashier', 'treasurer']) await grants.allow({ agent, tool: 'refund' });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });
  beforeEach(() => {
    paid.length = 0;
  });

  const start = async (agent: string, way: string) =>
    ended(await muster.client.submit(`ask-${agent}`, { request: way }));

  /** The task that was spawned last, of a graph. */
  const spawned = async (graph: string): Promise<TaskHandle> => {
    const found = await eventually(async () => {
      const [newest] = await muster.client.tasks({ graph, limit: 1 });
      assert.ok(newest !== undefined);
      return newest;
    });
    return muster.client.task(found.id);
  };

  const refundIn = ({ traces }: TaskView) => traces[0]?.steps[0]?.tools.find(({ tool }) => tool === 'refund');

  it('S16: gets no call that it may not make itself, one task below or two', async () => {
    await start('intern', 'treasurer > A-1');
    const one = await ended(await spawned('ask-treasurer'));
    await start('intern', 'cashier > treasurer > A-2');
    await ended(await spawned('ask-cashier'));
    const two = await ended(await spawned('ask-treasurer'));

    assert.deepEqual([one.task.actsFor, two.task.actsFor], [['intern'], ['intern', 'cashier']]);
    assert.notEqual(two.task.id, one.task.id);
    for (const view of [one, two]) {
      assert.equal(refundIn(view)?.state, 'denied');
      assert.match(String(view.output), /The agent "intern", for whom "treasurer" acts, may not use the tool "refund"/);
    }
    assert.deepEqual(paid, []);
  });

  it('S16: gets no call either by a graph whose node submits the task', async () => {
    await start('intern', 'relay > B-1');
    await ended(await spawned('relay'));
    const view = await ended(await spawned('ask-treasurer'));

    assert.deepEqual([view.task.actsFor, refundIn(view)?.state], [['intern'], 'denied']);
    assert.deepEqual(paid, []);
  });

  it('S16: gets the calls that all on the way may make', async () => {
    await start('cashier', 'treasurer > C-1');
    const view = await ended(await spawned('ask-treasurer'));
    await start('treasurer', 'C-2');

    assert.deepEqual([view.task.actsFor, refundIn(view)?.state], [['cashier'], 'done']);
    assert.deepEqual(paid, ['treasurer C-1', 'treasurer C-2']);
  });

  it('S16: asks a person where one on the way may call with an approval only', async () => {
    await start('clerk', 'cashier > treasurer > D-1');
    await ended(await spawned('ask-cashier'));
    const task = await spawned('ask-treasurer');
    const { approvals } = muster.client.operations;
    const [approval] = await eventually(async () => {
      const waiting = await approvals.list({ task: task.id });
      assert.equal(waiting.length, 1);
      return waiting;
    });
    const before = [...paid];
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    const view = await ended(task);

    assert.deepEqual(approval?.request.onBehalfOf, ['clerk', 'cashier']);
    assert.deepEqual([before, paid], [[], ['treasurer D-1']]);
    assert.equal(refundIn(view)?.state, 'done');
  });

  it('S16: gets no call by a series whose next task comes when nobody of it runs any more', async () => {
    await start('intern', 'treasurer every daily > E-1');
    const first = await ended(await spawned('ask-treasurer'));
    const next = await eventually(async () => {
      const [deferred] = await muster.client.tasks({ graph: 'ask-treasurer', status: 'deferred', limit: 1 });
      assert.equal(deferred?.predecessorId, first.task.id);
      return deferred;
    });

    assert.deepEqual(next?.actsFor, ['intern']);
    assert.deepEqual(paid, []);
  });
});
