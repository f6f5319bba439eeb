import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, operation } from '../../index.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const inviter = defineAgent({
  ...{ name: 'inviter', input: z.object({}), output: z.string(), model: 'default', instructions: 'Invite them.' },
  tools: [operation('conversations.append')],
});
const inviting = defineGraph({
  ...{ name: 'inviting', input: z.object({}), nodes: { invite: { agent: inviter, input: {} } } },
  output: '/nodes/invite',
});

describe('a turn that an agent asked for', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(({ messages }) => {
      if (messages.some(({ role }) => role === 'tool')) return { text: 'done' };
      return { calls: [{ tool: 'conversations.append', arguments: { conversation: 'guests', input: 'Come in.' } }] };
    });
    muster = await openMuster('delegated turn', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [inviting] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  it('S16: acts on behalf of that agent, whenever its turn comes', async () => {
    const { client } = muster;
    await client.operations.grants.allow({ agent: 'inviter', tool: 'conversations.append' });
    await client.pause('graph:conversation-turn');
    await client.conversation('guests').say('Hello?');

    await (await client.submit('inviting', {})).result();
    const queued = await client.conversation('guests').turn(2);
    await client.resume('graph:conversation-turn');
    const later = await client.conversation('guests').say('And now?');
    await later.answer();
    const turn = await client.conversation('guests').turn(2);

    assert.deepEqual([queued.state, queued.actsFor], ['queued', ['inviter']]);
    assert.deepEqual((await client.task(turn.taskId ?? '').read()).actsFor, ['inviter']);
    assert.deepEqual((await client.task((await later.answer()).taskId ?? '').read()).actsFor, []);
  });
});
