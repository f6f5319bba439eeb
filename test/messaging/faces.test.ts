import assert from 'node:assert/strict';
import { z } from 'zod';
import { type ConnectedAgent, connectAgent, defineAgent, defineGraph } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const received: { agent: string; from: string | null; tenant: string; n: unknown }[] = [];
let failures = 1;

const librarian = defineAgent({
  name: 'librarian',
  roles: ['memory'],
  input: z.unknown(),
  output: z.unknown(),
  handle: () => null,
  receive: ({ payload, from }, { agent, tenant }) => {
    received.push({ agent, from, tenant, n: payload.n });
    return { books: Number(payload.n ?? 0) + 1 };
  },
});

/** Sends, and fails once after it has sent. */
const asking = (name: string, quick: boolean) =>
  defineAgent({
    name,
    quick,
    input: z.unknown(),
    output: z.unknown(),
    handle: async (_input, { messages, attempt }) => {
      await messages.send('note', 'librarian', { n: 10 });
      const answer = await messages.request('ask', 'librarian', { n: 20 });
      if (attempt <= failures) throw new Error('failed after it had sent');
      return answer;
    },
  });
const slow = asking('slow-asker', false);
const quick = asking('quick-asker', true);
const graphs = [slow, quick].map((agent) =>
  defineGraph({
    name: `${agent.name}-graph`,
    input: z.record(z.string(), z.json()),
    nodes: { ask: { agent, budget: { maxRetries: 2 } } },
    output: '/nodes/ask',
  }),
);

describe('the ways to talk', () => {
  let muster: MusterUnderTest;
  const agents: ConnectedAgent[] = [];

  before(async () => {
    muster = await openMuster('talk');
    await muster.work({ graphs, agents: [librarian] });
  });
  beforeEach(() => received.splice(0));
  after(async () => {
    for (const agent of agents) await agent.close();
    await muster?.close();
  });

  const handledFrom = (from: string | null) => received.filter((one) => one.from === from).map(({ n }) => n);

  it('lead from a program to an agent that a worker hosts', async () => {
    const { messages } = muster.client;

    const answer = await messages.request('librarian', { n: 1 });
    const { id } = await messages.send('librarian', { n: 2 }, { priority: 1 });

    assert.deepEqual(answer, { books: 2 });
    await eventually(async () => assert.equal((await messages.list({ id }))[0]?.status, 'processed'));
    assert.deepEqual(received, [
      { agent: 'librarian', from: null, tenant: 'default', n: 1 },
      { agent: 'librarian', from: null, tenant: 'default', n: 2 },
    ]);
    assert.ok((await messages.counts('librarian')).processed >= 2);
  });

  for (const agent of [slow, quick]) {
    it(`lead from the nodes of ${agent.name}, once although the node runs again`, async () => {
      failures = 1;

      const task = await muster.client.submit(`${agent.name}-graph`, {});

      assert.deepEqual((await task.result()).output, { books: 21 });
      assert.deepEqual(handledFrom(agent.name).sort(), [10, 20]);
      const rows = await muster.client.messages.list({ agent: agent.name, type: 'command' });
      assert.equal(rows.length, 1);
    });
  }

  it('lead between a program that is an agent and a hosted one, and back', async () => {
    const scribe = await connectAgent('scribe', {
      environment: muster.environment,
      roles: ['task'],
      receive: async ({ payload }, { messages }) => {
        const answer = await messages.request('look-up', 'librarian', { n: payload.n ?? null });
        return { scribe: answer };
      },
    });
    agents.push(scribe);

    assert.deepEqual(await muster.client.messages.request('scribe', { n: 4 }), { scribe: { books: 5 } });
    assert.deepEqual(await scribe.request('librarian', { n: 6 }), { books: 7 });
    const known = (await muster.client.agents()).find((agent) => agent.name === 'scribe');
    assert.deepEqual([known?.status, known?.roles, known?.tenant], ['active', ['task'], 'default']);
    const directed = await muster.client.messages.direct('help', { n: 1 });
    assert.deepEqual(directed.answers, [{ agent: 'scribe', answer: { scribe: { books: 2 } } }]);
    await scribe.close();
    await scribe.close();
    const gone = (await muster.client.agents()).find((agent) => agent.name === 'scribe');
    assert.equal(gone?.status, 'offline');
  });

  it('C024: lead from a program to all who are alive, with a receipt each', async () => {
    const seen: string[] = [];
    for (const name of ['first', 'second']) {
      const receive = () => void seen.push(name);
      agents.push(await connectAgent(name, { environment: muster.environment, receive }));
    }

    const { id, receipts } = await muster.client.messages.broadcast({ n: 30 });

    assert.deepEqual(receipts.map(({ agent }) => agent).sort(), ['first', 'librarian', 'second']);
    await eventually(async () => {
      const states = (await muster.client.messages.receipts(id)).map(({ status }) => status);
      assert.deepEqual(states, ['processed', 'processed', 'processed']);
    });
    assert.deepEqual(seen.sort(), ['first', 'second']);
  });

  it('do not lead to another tenant’s agents', async () => {
    const rival = await muster.connect({ tenant: 'rival' });
    agents.push(await connectAgent('private', { environment: muster.environment, receive: () => 'secret' }));

    await assert.rejects(rival.messages.request('private', {}), { code: 'agent_unknown' });
    const id = (await muster.client.agents()).find((agent) => agent.name === 'private')?.id ?? '';
    await assert.rejects(rival.messages.send(id, {}), { code: 'agent_unknown' });
    assert.deepEqual(await rival.messages.request('librarian', { n: 1 }), { books: 2 });
    assert.deepEqual(
      (await rival.messages.list()).map(({ to }) => to).filter((to) => to !== null),
      ['librarian'],
    );
    assert.equal(received.at(-1)?.tenant, 'rival');
  });

  it('are refused with a sentence when they are used wrongly', async () => {
    await assert.rejects(connectAgent('No Name', { environment: muster.environment }), { code: 'option_invalid' });
    await assert.rejects(muster.client.messages.redrive('nonsense'), { code: 'message_unknown' });
    const clerk = await connectAgent('clerk', { environment: muster.environment });
    agents.push(clerk);
    for (const sender of [clerk, muster.client.messages]) {
      const misspelt = sender.send('librarian', {}, { prioriti: 1 } as object);
      await assert.rejects(misspelt, /^OptionInvalid: messages\.send was called .*did you mean `priority`\?/);
      await assert.rejects(sender.request('librarian', {}, { agent: 'other' } as object), /no option `agent`/);
    }
    const badReceive = { receive: 'no function' } as unknown as { receive: () => null };
    const make = () =>
      defineAgent({ name: 'bad', input: z.unknown(), output: z.unknown(), handle: () => null, ...badReceive });
    assert.throws(make, /a function as receive/);
  });
});
