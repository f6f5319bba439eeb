import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, operation } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const guest = z.object({ conversation: z.string() });
const inviter = defineAgent({
  ...{ name: 'inviter', input: guest, output: z.string(), model: 'default', instructions: 'Invite them.' },
  tools: [operation('conversations.append')],
});
const inviting = defineGraph({
  ...{ name: 'inviting', input: guest, nodes: { invite: { agent: inviter, input: '/task' } } },
  output: '/nodes/invite',
});

/** Appends twice, with no agent. */
const append = (text: string) => ({
  ...{ tool: operation('conversations.append'), budget: { maxRetries: 0 } },
  input: { conversation: '/task/conversation', input: { value: text }, graph: { value: 'hall' } } as const,
});
const knocking = defineGraph({
  ...{
    name: 'knocking',
    input: guest,
    nodes: { once: append('Knock.'), twice: { ...append('Knock!'), after: ['once'] } },
  },
  output: '/nodes/twice',
});

const said = z.looseObject({ conversation: z.string(), turn: z.number(), user: z.string().nullable() });
/** Until then the first turn is under way, and what comes after it is queued. */
const answering = Promise.withResolvers<void>();
/** What turns were given. */
const heard: Record<string, unknown>[] = [];
const listener = defineAgent({
  ...{ name: 'listener', input: said, output: z.string() },
  async handle(given) {
    heard.push(given);
    await answering.promise;
    return 'Noted.';
  },
});
const [hall, desk] = ['hall', 'desk'].map((name) =>
  defineGraph({ name, input: said, nodes: { hear: { agent: listener, input: '/task' } }, output: '/nodes/hear' }),
);

describe('a turn that a task asked for', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(({ messages }) => {
      if (messages.some(({ role }) => role === 'tool')) return { text: 'done' };
      const given = JSON.parse(messages[1]?.content ?? '{}') as object;
      return { calls: [{ tool: 'conversations_append', arguments: { ...given, input: 'Come in.', graph: 'hall' } }] };
    });
    muster = await openMuster('delegated turn', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    assert.ok(hall !== undefined && desk !== undefined);
    await muster.work({ graphs: [inviting, knocking, hall, desk] });
    await muster.client.operations.grants.allow({ agent: 'inviter', tool: 'conversations.append' });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const taskOf = ({ taskId }: { readonly taskId: string | null }) => muster.client.task(taskId ?? '').read();

  it('S16: acts on behalf of that agent, whenever its turn comes, and so do those that read what it said', async () => {
    const { client } = muster;
    const guests = client.conversation('guests');
    await guests.say('Hello?', { graph: 'desk' });

    await (await client.submit('inviting', { conversation: 'guests' }, { user: 'ada' })).result();
    const queued = await guests.turn(2);
    answering.resolve();
    const later = await (await guests.say('And now?')).answer();
    const turn = await guests.turn(2);

    assert.deepEqual([queued.state, queued.actsFor, queued.user], ['queued', ['inviter'], 'ada']);
    assert.partialDeepStrictEqual(await taskOf(turn), { actsFor: ['inviter'], user: 'ada' });
    assert.partialDeepStrictEqual(heard[1], { agent: 'inviter', user: 'ada' });
    assert.deepEqual([later.actsFor, later.state, (await taskOf(later)).actsFor], [[], 'answered', ['inviter']]);
    assert.deepEqual(heard[2]?.history, [
      { role: 'user', text: 'Hello?' },
      { role: 'assistant', text: 'Noted.' },
      { role: 'agent', agent: 'inviter', text: 'Come in.' },
      { role: 'assistant', text: 'Noted.' },
    ]);
  });

  it('S16: chooses its own graph only, and not that of the turns after it', async () => {
    const { client } = muster;
    const [known, begun] = [client.conversation('guests'), client.conversation('begun')];

    await (await client.submit('inviting', { conversation: 'begun' })).result();

    const graphs = await Promise.all([known.turn(2), known.turn(3), begun.turn(1)]);
    assert.deepEqual(
      graphs.map(({ graphName }) => graphName),
      ['hall', 'desk', 'hall'],
    );
    assert.deepEqual([(await known.view()).graph, (await begun.view()).graph], ['desk', 'conversation-turn']);
  });

  it('S18: is spawned by that task: it counts in the budgets above it, and one too many is refused', async () => {
    const { client } = muster;
    const budget = { fanOut: 1 };

    const task = await client.submit('knocking', { conversation: 'door' }, { user: 'ada', budget });
    const failed = await eventually(async () => {
      const read = await task.read();
      assert.equal(read.status, 'failed');
      return read;
    });
    const { turns } = await client.conversation('door').view();
    const { budget: spent } = await task.show();

    assert.equal(failed.error?.code, 'budget_exhausted');
    assert.deepEqual(
      turns.map(({ text, user, actsFor }) => [text, user, actsFor]),
      [['Knock.', 'ada', []]],
    );
    assert.partialDeepStrictEqual(spent?.limits, [{ what: 'fan_out', limit: 1, spent: 1 }]);
    const rows = await withPostgresql(muster.ownerUrl, (server) =>
      server.query(`select parents, depth from muster.budgets where scope = $1`, [`task:${turns[0]?.taskId}`]),
    );
    assert.deepEqual(rows.rows, [{ parents: ['user:ada', `task:${task.id}`], depth: 1 }]);
  });
});
