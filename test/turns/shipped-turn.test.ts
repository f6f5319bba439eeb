import assert from 'node:assert/strict';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

describe('the turn that ships', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply | Promise<Reply>;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
  });
  afterEach(() => muster.close());
  after(() => models?.close());

  const isCritic = ({ messages }: Asked) => messages[0]?.content?.startsWith('You judge') === true;
  const ask = async (conversation: string, text: string) =>
    (await muster.client.conversation(conversation).say(text)).answer();

  it('answers by what was said before, without a model', async () => {
    muster = await openMuster('shipped turn without a model');
    await muster.work();

    const noted = await ask('desk', 'My parcel number is 4711.');
    const known = await ask('desk', 'What was my parcel number?');

    assert.deepEqual([noted.state, noted.reply], ['answered', 'Noted.']);
    assert.deepEqual([known.state, known.reply], ['answered', 'You said about that: “My parcel number is 4711.”']);
  });

  it('C010: has a model answer, which is sent back twice at scores of .5, .5, .5, each time cooler', async () => {
    const environment = { MUSTER_MODELS: await modelsFile(models.url) };
    muster = await openMuster('shipped turn with a model', { environment });
    await muster.work();
    const before = models.asked.length;
    think = (asked) => {
      if (isCritic(asked)) return { text: JSON.stringify({ score: 0.5, notes: 'shorter' }) };
      const drafts = models.asked.slice(before).filter((one) => !isCritic(one)).length;
      return { text: JSON.stringify({ reply: `draft ${drafts}` }) };
    };

    const turn = await ask('desk', 'Where is it?');

    const asked = models.asked.slice(before);
    const drafts = asked.filter((one) => !isCritic(one));
    assert.deepEqual([turn.state, turn.reply], ['answered', 'draft 3']);
    assert.deepEqual(
      drafts.map(({ temperature }) => temperature),
      [0.8, 0.6, 0.4],
    );
    assert.deepEqual(
      drafts.map(({ messages }) => JSON.parse(messages[1]?.content ?? '{}')).map(({ draft, notes }) => [draft, notes]),
      [
        [null, null],
        ['draft 1', 'shorter'],
        ['draft 2', 'shorter'],
      ],
    );
    assert.deepEqual(
      asked.filter(isCritic).map(({ temperature }) => temperature),
      [0.1, 0.1, 0.1],
    );
  });

  it('says nothing where the model says so, and keeps what the model had said when it is interrupted', async () => {
    const environment = { MUSTER_MODELS: await modelsFile(models.url) };
    muster = await openMuster('shipped turn, silent', { environment });
    await muster.work();
    const judged = Promise.withResolvers<void>();
    think = async (asked) => {
      const isHeld = !JSON.stringify(asked.messages).includes('Stop.');
      if (isCritic(asked)) {
        judged.resolve();
        return isHeld ? new Promise<never>(() => undefined) : { text: '{"score":1,"notes":""}' };
      }
      return { text: JSON.stringify({ reply: isHeld ? 'It began' : '[SILENCE]' }) };
    };

    await muster.client.conversation('held').say('Tell me all.');
    await judged.promise;
    const next = await muster.client.conversation('held').say('Stop.', { onBusy: 'interrupt' });
    const silent = await next.answer();
    const { turns } = await muster.client.conversation('held').view();

    assert.deepEqual([silent.state, silent.reply], ['silent', null]);
    assert.deepEqual([turns[0]?.state, turns[0]?.reply], ['interrupted', 'It began']);
  });
});
