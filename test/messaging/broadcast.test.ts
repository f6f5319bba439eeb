import assert from 'node:assert/strict';
import { direct } from '../../messaging/director.ts';
import { AgentDirectory } from '../../messaging/directory.ts';
import { eventually } from '../support/eventually.ts';
import { PostOffice, TENANT } from './post-office.ts';

describe('a message to many', () => {
  let office: PostOffice;

  beforeEach(async () => {
    office = await PostOffice.open('broadcast');
  });
  afterEach(() => office?.close());

  it('C024: reaches every living agent once, with a receipt each', async () => {
    const sender = await office.talker(['sender']);
    const seen: string[] = [];
    const names = ['one', 'two', 'three'];
    for (const name of names) {
      const talker = await office.talker([name]);
      await talker.receive({ [name]: (message) => void seen.push(`${name} ${message.payload.notice}`) });
    }
    const gone = await office.talker(['gone']);
    await gone.receive({ gone: () => void seen.push('gone') });
    await gone.close();
    await office.talker(['without-mailbox']);
    await sender.receive({ sender: () => void seen.push('sender') });
    const draft = { payload: { notice: 'noon' }, id: '44444444-4444-4444-8444-444444444444' };

    const { id, receipts } = await sender.sender.broadcast(sender.as('sender'), draft);
    const again = await sender.sender.broadcast(sender.as('sender'), draft);

    const done = () => office.messages({ broadcastId: id, status: 'processed' });
    await eventually(async () => assert.equal((await done()).length, 3));
    assert.deepEqual(seen.sort(), ['one noon', 'three noon', 'two noon']);
    assert.deepEqual(receipts.map(({ agent }) => agent).sort(), [...names].sort());
    assert.deepEqual(
      again.receipts.map(({ messageId }) => messageId).sort(),
      receipts.map(({ messageId }) => messageId).sort(),
    );
  });

  it('C033: is put together from what comes back in time, and names who is missing', async () => {
    const director = await office.talker(['director']);
    const task = await office.talker(['task']);
    await task.receive({ task: ({ payload }) => ({ open: 3, intent: payload.intent ?? null }) });
    const agenda = await office.talker(['agenda']);
    await agenda.receive({ agenda: () => new Promise<void>(() => undefined) });
    const intents = { overview: ['task', 'agenda', 'weather'] };

    const parts = { sender: director.sender, directory: new AgentDirectory(office.database) };
    const asked = { intent: 'overview', payload: {}, intents, timeoutMs: 500 };
    const came = await direct(parts, director.as('director'), asked);

    assert.equal(came.outcome, 'partial');
    assert.deepEqual(came.answers, [{ agent: 'task', answer: { open: 3, intent: 'overview' } }]);
    assert.deepEqual(
      came.missing.map(({ wanted, code }) => [wanted, code]),
      [
        ['weather', 'agent_unknown'],
        ['agenda', 'request_timed_out'],
      ],
    );
    const [request] = await office.messages({ agent: 'task', type: 'query' });
    assert.equal(request?.priority, 2);
  });

  it('C033: needs nobody for a greeting, and refuses an intent that no agent serves', async () => {
    const director = await office.talker(['director']);
    const parts = { sender: director.sender, directory: new AgentDirectory(office.database) };
    const speaker = { tenant: TENANT, from: null };

    const greeting = await direct(parts, speaker, { intent: 'greeting', payload: {} });
    const unknown = direct(parts, speaker, { intent: 'juggling', payload: {} });

    assert.deepEqual(greeting, { intent: 'greeting', outcome: 'complete', answers: [], missing: [] });
    await assert.rejects(unknown, /no agent serves the intent "juggling"/);
  });
});
