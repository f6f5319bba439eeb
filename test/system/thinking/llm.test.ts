import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type TaskView } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended, runOf } from '../acceptance/views.ts';

const question = z.object({ query: z.string(), tone: z.string() });

const findParcel = defineTool({
  ...{ name: 'find-parcel', description: 'Finds a parcel by its number.', risk: 'read_only' },
  ...{ input: z.object({ number: z.number() }), output: z.object({ state: z.string() }) },
  handle: ({ number }) => ({ state: number === 7 ? 'on its way' : 'unknown' }),
});
const sendMail = defineTool({
  ...{ name: 'send-mail', description: 'Sends a mail.', risk: 'external_write' },
  ...{ input: z.object({ text: z.string() }), output: z.null() },
  handle: () => null,
});

const answer = {
  type: 'object',
  properties: { state: { type: 'string', minLength: 3 } },
  required: ['state'],
} as const;

/** An llm with all that it can have. */
const tracking = defineGraph({
  name: 'tracking',
  input: question,
  nodes: {
    find: { tool: findParcel },
    mail: { tool: sendMail },
    think: {
      llm: {
        ...{ model: 'default', instructions: 'Answer in a {{tone}} tone.', temperature: 0.2, maxTokens: 300 },
        ...{ tools: ['find', 'mail', 'tasks.list'], output: answer, limits: { steps: 4 } },
      },
      input: { query: '/task/query', tone: '/task/tone' },
    },
  },
  output: '/nodes/think',
});

/** One that says text, and is given text. */
const talking = defineGraph({
  name: 'talking',
  input: question,
  nodes: { say: { llm: { model: 'default', instructions: 'Be short.' }, input: '/task/query' } },
  output: '/nodes/say',
});

/** The same for each of several parcels. */
const parcel = defineGraph({
  name: 'parcel',
  input: z.object({ item: z.number(), index: z.number() }),
  nodes: {
    find: { tool: findParcel },
    look: { llm: { model: 'default', instructions: 'Find it.', tools: ['find'] }, input: { item: '/task/item' } },
  },
  output: '/nodes/look',
});
const parcels = defineGraph({
  name: 'parcels',
  input: z.object({ numbers: z.array(z.number()) }),
  nodes: { all: { each: parcel, items: '/task/numbers' } },
  output: '/nodes/all',
});

/** One whose model no worker has. */
const waiting = defineGraph({
  name: 'waiting-for-a-model',
  input: question,
  nodes: { say: { llm: { model: 'gpt-9', instructions: 'Be short.' }, input: '/task/query' } },
  output: '/nodes/say',
});

describe('an llm of a graph', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('llm', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [tracking, talking, parcels, waiting] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const submit = (graph: string) => muster.client.submit(graph, { query: 'Where is 7?', tone: 'dry' });
  const run = async (graph: string): Promise<TaskView> => ended(await submit(graph));
  const stepOf = ({ messages }: Asked) => messages.filter(({ role }) => role === 'assistant').length + 1;
  const resultsOf = ({ messages }: Asked) =>
    messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []));
  const calling = (tool: string, given: unknown): Reply => ({ calls: [{ tool, arguments: given }] });

  it('says text to what it is given as text', async () => {
    think = () => ({ text: 'On its way.' });

    const view = await run('talking');

    assert.deepEqual(view.output, { text: 'On its way.' });
    const { messages } = models.asked.at(-1) as Asked;
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['Be short.', 'Where is 7?'],
    );
    assert.equal(runOf(view, 'say').status, 'ok');
    assert.equal(view.traces[0]?.steps[0]?.inputTokens, 100);
  });

  it('is replayed by its graph, and by no agent that has the name of its node', async () => {
    think = () => ({ text: 'On its way.' });
    const { task } = await run('talking');
    const strict = z.object({ state: z.string() });
    const say = defineAgent({
      name: 'say',
      input: question,
      output: strict,
      model: 'default',
      instructions: 'Be short.',
    });
    const { operations } = await muster.connect({ hosted: [say] });

    const { identical, difference } = await operations.tasks.replay({ id: task.id });

    assert.deepEqual([identical, difference], [true, null]);
  });

  it('C075: calls its bound tools, fills its instructions, and is held to its schema', async () => {
    const results: (string | null)[] = [];
    think = (asked) => {
      results.push(...resultsOf(asked));
      if (stepOf(asked) === 1) return calling('find-parcel', { number: 7 });
      return { text: stepOf(asked) === 2 ? '{"state":"?"}' : '{"state":"on its way"}' };
    };

    const view = await run('tracking');

    assert.deepEqual(view.output, { state: 'on its way' });
    const { messages, tools, temperature } = models.asked.at(-1) as Asked;
    assert.equal(messages[0]?.content, 'Answer in a dry tone.');
    assert.deepEqual([tools, temperature], [['find-parcel', 'send-mail', 'tasks_list'], 0.2]);
    assert.equal(results[0], '{"state":"on its way"}');
    assert.match(messages.at(-1)?.content ?? '', /^Your answer does not fit: .*state/);
  });

  it('C076: leaves a run of each bound tool, which says how often it was called', async () => {
    think = (asked) => (stepOf(asked) === 1 ? calling('find-parcel', { number: 7 }) : { text: '{"state":"there"}' });

    const view = await run('tracking');

    const runs = view.traces[0]?.runs.map(({ path, status, error }) => [path, status, error?.message ?? null]);
    assert.deepEqual(runs?.toSorted(), [
      ['find', 'ok', null],
      ['mail', 'skipped', 'the model did not call it'],
      ['think', 'ok', null],
    ]);
    const [found] = await query<{ output: unknown }>(
      muster,
      `select r.output from muster.agent_runs r join muster.agent_traces t on t.id = r.trace_id
       where t.task_id = $1 and r.node_id = 'find'`,
      [view.task.id],
    );
    assert.deepEqual(found?.output, { calls: 1 });
  });

  it('is granted tools under the name of its graph and its node', async () => {
    const said: (string | null)[] = [];
    think = (asked) => {
      said.push(...resultsOf(asked));
      return stepOf(asked) === 1 ? calling('send-mail', { text: 'hello' }) : { text: '{"state":"sent"}' };
    };
    await run('tracking');
    const { grants } = muster.client.operations;
    const { warnings } = await grants.allow({ agent: 'tracking.think', tool: 'send-mail' });

    const view = await run('tracking');

    assert.match(said[0] ?? '', /^The call was not made/);
    assert.deepEqual([said[1], warnings], ['null', []]);
    assert.equal(view.traces[0]?.steps[0]?.tools[0]?.state, 'done');
  });

  it('waits for a person who has to allow a call, and makes it then', async () => {
    const grant = await muster.client.operations.grants.allow({
      ...{ agent: 'tracking.think', tool: 'send-mail', approval: true },
      where: { type: 'object', properties: { text: { const: 'careful' } } },
    });
    think = (asked) => (stepOf(asked) === 1 ? calling('send-mail', { text: 'careful' }) : { text: '{"state":"sent"}' });
    for (const { id } of await muster.client.operations.grants.list({ agent: 'tracking.think' })) {
      if (id !== grant.grant.id) await muster.client.operations.grants.revoke({ id });
    }

    const task = await submit('tracking');
    const approval = await eventually(async () => {
      const [waiting] = await muster.client.operations.approvals.list({});
      assert.ok(waiting !== undefined);
      return waiting;
    });
    await muster.client.operations.approvals.decide({ id: approval.id, verdict: 'approve' });
    const view = await ended(task);

    assert.deepEqual([approval.agent, approval.tool], ['tracking.think', 'send-mail']);
    assert.deepEqual(view.output, { state: 'sent' });
    assert.equal(runOf(view, 'mail').status, 'ok');
  });

  it('counts the calls of each item by itself, in the graphs of a list', async () => {
    think = (asked) => {
      const { item } = JSON.parse(asked.messages[1]?.content ?? '{}') as { item: number };
      return stepOf(asked) === 1 && item < 3 ? calling('find-parcel', { number: item }) : { text: `parcel ${item}` };
    };

    const view = await ended(await muster.client.submit('parcels', { numbers: [1, 2, 3] }));

    assert.deepEqual(view.output, [{ text: 'parcel 1' }, { text: 'parcel 2' }, { text: 'parcel 3' }]);
    const found = view.traces[0]?.runs.filter(({ nodeId }) => nodeId === 'find');
    assert.deepEqual(found?.map(({ path, status }) => `${path} ${status}`).toSorted(), [
      'all[0]/find ok',
      'all[1]/find ok',
      'all[2]/find skipped',
    ]);
  });

  it('is heard while it speaks, as any agent is', async () => {
    think = () => ({ text: 'On its way, I think.' });
    const task = await submit('talking');
    let text = '';
    for await (const event of task.events({ text: true })) {
      if (event.type === 'text.added') text += event.text;
    }

    assert.equal(text, 'On its way, I think.');
  });

  it('calls operations that it is granted', async () => {
    const said: (string | null)[] = [];
    think = (asked) => {
      said.push(...resultsOf(asked));
      return stepOf(asked) === 1 ? calling('tasks_list', { limit: 1 }) : { text: '{"state":"listed"}' };
    };
    await muster.client.operations.grants.allow({ agent: 'tracking.think', tool: 'tasks.list' });

    await run('tracking');

    assert.match(said[0] ?? '', /tracking/);
  });

  it('waits for a worker that has its model, and says so', async () => {
    const task = await submit('waiting-for-a-model');

    const why = await muster.client.operations.tasks.why({ id: task.id });

    assert.match(JSON.stringify(why), /a worker that hosts the model \\"gpt-9\\"/);
    await task.cancel();
  });
});
