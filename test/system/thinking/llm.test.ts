import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph, defineTool, type TaskView } from '../../../index.ts';
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

/** A text is held to words first, and then to a judge. */
const judged = defineGraph({
  name: 'judged',
  input: question,
  nodes: {
    rail: {
      guardrail: { bannedPhrases: ['password'], judge: { model: 'default', question: 'Is it about parcels?' } },
      input: { text: '/task/query' },
    },
    say: {
      llm: { model: 'default', instructions: 'Be short.' },
      input: '/task/query',
      guardedBy: ['rail'],
    },
  },
  output: '/nodes/say',
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
    await muster.work({ graphs: [tracking, talking, judged, waiting] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const submit = (graph: string, query = 'Where is 7?') => muster.client.submit(graph, { query, tone: 'dry' });
  const run = async (graph: string, query?: string): Promise<TaskView> => ended(await submit(graph, query));
  const isJudge = ({ messages }: Asked) => /You judge/.test(messages[0]?.content ?? '');
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

  const verdict = (passed: boolean, reason: string): Reply => ({ text: JSON.stringify({ passed, reason }) });

  it('C075: thinks on once a judge has let a text pass', async () => {
    think = (asked) => (isJudge(asked) ? verdict(true, 'it asks for a parcel') : { text: 'On its way.' });

    const view = await run('judged');

    assert.deepEqual(view.output, { text: 'On its way.' });
    const [judge] = models.asked.filter(isJudge);
    assert.match(judge?.messages[0]?.content ?? '', /Is it about parcels\?/);
    assert.deepEqual(JSON.parse(judge?.messages[1]?.content ?? ''), { text: 'Where is 7?' });
  });

  it('C075: ends as guardrail_blocked where a judge stops a text, and says why', async () => {
    think = () => verdict(false, 'it asks for a joke');

    const view = await run('judged', 'Tell me a joke.');

    assert.deepEqual(view.task.error, {
      ...{ code: 'guardrail_blocked', message: 'judge: it asks for a joke', node: 'rail' },
    });
    assert.equal(runOf(view, 'say').status, 'skipped');
    assert.equal(models.askedWith('Tell me a joke.'), 1);
  });

  it('lets nothing pass that a judge could not judge, also when its answer was repaired', async () => {
    think = ({ times }) => ({ text: times === 1 ? 'Yes, it may pass!' : '{"passed":true}' });

    const view = await run('judged', 'A parcel?');

    assert.equal(view.task.error?.code, 'guardrail_blocked');
    assert.match(view.task.error?.message ?? '', /^judge: its answer could not be read: /);
    assert.equal(models.askedWith('A parcel?'), 2);
  });

  it('asks no judge about a text that another rule stops', async () => {
    think = () => verdict(true, 'fine');

    const view = await run('judged', 'My password is tea.');

    assert.match(view.task.error?.message ?? '', /^bannedPhrases/);
    assert.equal(models.askedWith('My password is tea.'), 0);
  });

  it('waits for a worker that has its model, and says so', async () => {
    const task = await submit('waiting-for-a-model');

    const why = await muster.client.operations.tasks.why({ id: task.id });

    assert.match(JSON.stringify(why), /a worker that hosts the model \\"gpt-9\\"/);
    await task.cancel();
  });
});
