import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph } from '../../../index.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended, runOf } from '../acceptance/views.ts';

/** A text is held to words first, and then to a judge. */
const judged = defineGraph({
  name: 'judged',
  input: z.object({ query: z.string() }),
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

describe('the judge of a guardrail', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('judge', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [judged] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const run = async (query: string) => ended(await muster.client.submit('judged', { query }));
  const isJudge = ({ messages }: Asked) => /You judge/.test(messages[0]?.content ?? '');
  const verdict = (passed: boolean, reason: string): Reply => ({ text: JSON.stringify({ passed, reason }) });

  it('C075: thinks on once a judge has let a text pass', async () => {
    think = (asked) => (isJudge(asked) ? verdict(true, 'it asks for a parcel') : { text: 'On its way.' });

    const view = await run('Where is 7?');

    assert.deepEqual(view.output, { text: 'On its way.' });
    const [judge] = models.asked.filter(isJudge);
    assert.match(judge?.messages[0]?.content ?? '', /Is it about parcels\?/);
    assert.deepEqual(JSON.parse(judge?.messages[1]?.content ?? ''), { text: 'Where is 7?' });
  });

  it('C075: ends as guardrail_blocked where a judge stops a text, and says why', async () => {
    think = () => verdict(false, 'it asks for a joke');

    const view = await run('Tell me a joke.');

    assert.deepEqual(view.task.error, {
      ...{ code: 'guardrail_blocked', message: 'judge: it asks for a joke', node: 'rail' },
    });
    assert.equal(runOf(view, 'say').status, 'skipped');
    assert.equal(models.askedWith('Tell me a joke.'), 1);
  });

  it('lets nothing pass that a judge could not judge, also when its answer was repaired', async () => {
    think = ({ times }) => ({ text: times === 1 ? 'Yes, it may pass!' : '{"passed":true}' });

    const view = await run('A parcel?');

    assert.equal(view.task.error?.code, 'guardrail_blocked');
    assert.match(view.task.error?.message ?? '', /^judge: its answer could not be read: /);
    assert.equal(models.askedWith('A parcel?'), 2);
  });

  it('asks no judge about a text that another rule stops', async () => {
    think = () => verdict(true, 'fine');

    const view = await run('My password is tea.');

    assert.match(view.task.error?.message ?? '', /^bannedPhrases/);
    assert.equal(models.askedWith('My password is tea.'), 0);
  });
});
