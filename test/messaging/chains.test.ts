import assert from 'node:assert/strict';
import type { Receive } from '../../domain/messaging/received-message.ts';
import { eventually } from '../support/eventually.ts';
import { MAX_HOPS, numbered, PostOffice, type Talker } from './post-office.ts';

describe('a chain of messages', () => {
  let office: PostOffice;
  let players: Talker;
  let handled: number;
  const pass =
    (to: string): Receive =>
    async (_message, { messages }) => {
      handled += 1;
      await messages.send('back', to, numbered(handled));
    };

  before(async () => {
    office = await PostOffice.open('chains');
    players = await office.talker(['ping', 'pong', 'crier', 'patient']);
    await players.receive({ ping: pass('pong'), pong: pass('ping') });
  });
  after(() => office?.close());
  beforeEach(() => {
    handled = 0;
  });

  it('ends at its bound, when two agents answer each other without an end, and its last message says why', async () => {
    await players.sender.send(players.as(), { to: 'ping', payload: numbered(0) });

    const [dead] = await eventually(async () => {
      const found = await office.messages({ status: 'dead' });
      assert.equal(found.length, 1);
      return found;
    });
    const all = await office.messages();

    assert.equal(handled, MAX_HOPS + 1);
    assert.deepEqual(
      all.map(({ hops }) => hops).toSorted((one, other) => one - other),
      Array.from({ length: MAX_HOPS + 1 }, (_, hop) => hop),
    );
    assert.equal(dead?.hops, MAX_HOPS);
    assert.match(dead?.deadReason ?? '', /^message_chain_too_long: .*MUSTER_MAX_MESSAGE_HOPS/);
    assert.equal(dead?.attempts, 1);
  });

  it('bounds requests and broadcasts too, and leaves their answers alone', async () => {
    const refused: unknown[] = [];
    const codeOf = (error: { code: string }) => void refused.push(error.code);
    await players.receive({
      patient: async () => 'an answer',
      crier: async (_message, { messages }) => {
        await messages.request('ask', 'patient', {}).catch(codeOf);
        await messages.broadcast('cry', {}).catch(codeOf);
        return 'done';
      },
    });
    const last = await office.sql<{ id: string }>(
      `select id from muster.agent_messages where hops = ${MAX_HOPS} and message_type = 'command'`,
    );
    const asking = players.sender.request(
      { ...players.as('ping'), causeId: last[0]?.id as never },
      { to: 'crier', payload: {} },
    );
    await assert.rejects(asking, { code: 'message_chain_too_long' });
    await office.sql(`update muster.agent_messages set hops = ${MAX_HOPS - 1} where id = $1`, [last[0]?.id]);

    const answer = await players.sender.request(
      { ...players.as('ping'), causeId: last[0]?.id as never },
      { to: 'crier', payload: {}, id: crypto.randomUUID() },
    );

    assert.equal(answer, 'done');
    assert.deepEqual(refused, ['message_chain_too_long', 'message_chain_too_long']);
  });

  it('begins anew with what is sent outside of the handling of a message', async () => {
    await players.sender.send(players.as('pong'), { to: 'patient', payload: numbered(1) });

    const [newest] = await office.messages({ agent: 'patient' });

    assert.equal(newest?.hops, 0);
  });
});
