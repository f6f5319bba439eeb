import assert from 'node:assert/strict';
import { z } from 'zod';
import { taskPage } from '../../cli/tasks/page/task-page.ts';
import { defineAgent, defineGraph, type TaskView } from '../../index.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended } from './acceptance/views.ts';

const text = z.object({ text: z.string() });
let asked = 0;

/** Answers in JSON, in prose where it is told to, or not at all. */
const answerer = (name: string, quick: boolean) =>
  defineAgent({
    ...{ name, quick, input: text, output: text },
    handle: ({ text }) => {
      asked += 1;
      if (text.includes('storm')) throw new Error('the line is down');
      return { text: text.includes('prose') ? 'It is on its way.' : '```json\n{"reply": "It is on its way."}\n```' };
    },
  });
const slow = answerer('pure-slow-answerer', false);
const quick = answerer('pure-quick-answerer', true);

const rules = {
  bannedPhrases: ['credit card'],
  prohibitedTopics: { medicine: ['diagnosis'] },
  serviceBoundaries: { parcels: ['parcel', 'delivery'] },
};

const supportWith = (name: string, agent: typeof slow) =>
  defineGraph({
    name,
    input: z.object({ question: z.string() }),
    nodes: {
      allowed: { guardrail: rules, input: { text: '/task/question' } },
      prompt: {
        prompt: 'A customer asks: {{question}}',
        input: { question: '/task/question' },
        guardedBy: ['allowed'],
      },
      ask: { agent, input: '/nodes/prompt', budget: { maxRetries: 0 } },
      answer: { parse: 'json', fields: ['reply'], input: '/nodes/ask' },
      refusal: { prompt: 'Somebody will call you.', fallbackOf: ['allowed', 'ask', 'answer'] },
      said: {
        function: "{ text: reply || text, words: length(split(reply || text, ' ')) }",
        input: {
          reply: { pointer: '/nodes/answer/reply', optional: true },
          text: { pointer: '/nodes/refusal/text', optional: true },
        },
      },
      reply: { prompt: '{{text}}', input: '/nodes/said' },
    },
    output: '/nodes/reply',
  });

const inner = supportWith('pure-inner', quick);
const graphs = [
  supportWith('pure-support', slow),
  supportWith('pure-quick-support', quick),
  defineGraph({
    name: 'pure-each',
    input: z.object({ questions: z.array(z.string()) }),
    nodes: { all: { each: perItem(), items: '/task/questions', width: 2 } },
    output: { all: '/nodes/all' },
  }),
  defineGraph({
    name: 'pure-last',
    input: text,
    nodes: {
      ask: { agent: slow, input: '/task', budget: { maxRetries: 0 } },
      again: { agent: slow, input: { text: { value: 'In prose' } }, fallbackOf: ['ask'], budget: { maxRetries: 0 } },
    },
    output: { text: { first: ['/nodes/ask/text', '/nodes/again/text'] } },
  }),
  defineGraph({
    name: 'pure-unguarded',
    input: z.object({ question: z.string() }),
    nodes: {
      allowed: { guardrail: rules, input: { text: '/task/question' } },
      say: { prompt: 'Yes.', guardedBy: ['allowed'] },
    },
    output: '/nodes/say',
  }),
];

function perItem() {
  return defineGraph({
    name: 'pure-per-item',
    input: z.object({ item: z.string() }),
    nodes: { support: { graph: inner, input: { question: '/task/item' } } },
    output: '/nodes/support/text',
  });
}

const ANSWERED = { text: 'It is on its way.' };
const REFUSED = { text: 'Somebody will call you.' };

describe('graphs of nodes that need no code', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('pure-graphs');
    await muster.work({ graphs });
  });
  after(() => muster?.close());
  beforeEach(() => {
    asked = 0;
  });

  const run = async (graph: string, input: Record<string, unknown>): Promise<TaskView> => {
    return ended(await muster.client.submit(graph, input as never));
  };
  const runsOf = (view: TaskView) =>
    Object.fromEntries(
      view.traces[0]?.runs.map(({ path, status, error }) => [
        path,
        status === 'ok' || status === 'skipped' ? status : error?.code,
      ]) ?? [],
    );

  for (const graph of ['pure-support', 'pure-quick-support']) {
    it(`C076: ${graph} goes through all of them, and each is a run with its status, also one that was skipped`, async () => {
      const view = await run(graph, { question: 'Where is my parcel?' });

      assert.deepEqual([view.task.status, view.output], ['completed', ANSWERED]);
      assert.deepEqual(runsOf(view), {
        ...{ allowed: 'ok', prompt: 'ok', ask: 'ok', answer: 'ok', refusal: 'skipped' },
        ...{ said: 'ok', reply: 'ok' },
      });
      assert.deepEqual(view.traces[0]?.events.find(({ type }) => type === 'run.skipped')?.data, {
        reason: '"allowed" and "ask" and "answer" did not fail',
      });
    });

    it(`${graph} asks nobody what a guardrail blocks, and answers by its fallback`, async () => {
      const view = await run(graph, { question: 'My credit card for the parcel is 4111' });

      assert.deepEqual([view.task.status, view.output, asked], ['completed', REFUSED, 0]);
      assert.deepEqual(runsOf(view), {
        ...{ allowed: 'guardrail_blocked', prompt: 'skipped', ask: 'skipped', answer: 'skipped' },
        ...{ refusal: 'ok', said: 'ok', reply: 'ok' },
      });
    });

    it(`${graph} answers by its fallback where the agent fails, and where its answer cannot be read`, async () => {
      const failed = await run(graph, { question: 'Where is my parcel in this storm?' });
      const unread = await run(graph, { question: 'Where is my parcel? In prose' });

      assert.deepEqual([failed.output, unread.output], [REFUSED, REFUSED]);
      assert.match(taskPage(failed, new Date()), />fallback<\/text>/);
      assert.deepEqual([runsOf(failed).ask, runsOf(failed).answer], ['handler_failed', 'skipped']);
      assert.deepEqual([runsOf(unread).ask, runsOf(unread).answer], ['ok', 'output_unparsable']);
    });
  }

  it('C076: write a fallback that the last node of a task skips, and one that is the last', async () => {
    const first = await run('pure-last', { text: 'In prose' });
    const second = await run('pure-last', { text: 'In a storm' });

    assert.deepEqual([first.output, second.output], [ANSWERED, ANSWERED]);
    assert.deepEqual(runsOf(first), { ask: 'ok', again: 'skipped' });
    assert.deepEqual(runsOf(second), { ask: 'handler_failed', again: 'ok' });
  });

  it('tolerate a failure within inner graphs where a fallback stands', async () => {
    const view = await run('pure-each', { questions: ['my parcel', 'a diagnosis', 'delivery in a storm'] });

    assert.deepEqual(view.output, { all: [ANSWERED.text, REFUSED.text, REFUSED.text] });
    assert.equal(runsOf(view)['all[1]/support/allowed'], 'guardrail_blocked');
  });

  it('fail with the rule of the guardrail where nothing stands in for it, and tell so on the page', async () => {
    const view = await run('pure-unguarded', { question: 'A diagnosis for hunter2 of the parcel?' });

    assert.deepEqual(
      [view.task.status, view.task.error],
      [
        'failed',
        {
          code: 'guardrail_blocked',
          message: 'prohibitedTopics: the text is about "medicine" ("diagnosis").',
          node: 'allowed',
        },
      ],
    );
    assert.deepEqual(runsOf(view), { allowed: 'guardrail_blocked', say: 'skipped' });
    assert.ok(!JSON.stringify(view.traces[0]?.events).includes('hunter2'));
    assert.match(taskPage(view, new Date()), />guard<\/text>/);
  });
});
