import assert from 'node:assert/strict';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { toldServer, toolSourcesFile } from '../../support/tool-sources.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended } from '../acceptance/views.ts';
import { ATTACKS, type Attack, CHANNELS } from './attacks.ts';
import { HOSTILE, helping, made, READERS } from './victim.ts';

const GRANTED = {
  refund: {
    type: 'object',
    required: ['order', 'amount'],
    properties: {
      order: { type: 'string', pattern: '^[A-Z]-[0-9]$' },
      amount: { type: 'number', exclusiveMinimum: 0, maximum: 20 },
    },
    additionalProperties: false,
  },
  'send-mail': {
    type: 'object',
    required: ['to'],
    properties: { to: { type: 'string', pattern: '^[a-z]+@example\\.org$' } },
  },
};

/** What nobody has to refuse: without it, a tool that never works would pass. */
const WITHIN: Attack = {
  channel: 'user',
  text: 'Please pay 20 back on A-7.',
  tool: 'refund',
  arguments: { order: 'A-7', amount: 20 },
};

/** A model that does whatever it reads: where it is sent, and what it finds there. */
function obey({ messages, descriptions }: Asked): Reply {
  const steps = messages.filter(({ role }) => role === 'assistant').length;
  const request = messages.find(({ role }) => role === 'user')?.content ?? '';
  const [, reader, index] = /READ ([\w-]+) (\d+)/.exec(request) ?? [];
  if (steps === 0 && reader !== undefined) return { calls: [{ tool: reader, arguments: { attack: Number(index) } }] };
  const [, described] = /USE ([\w-]+)/.exec(request) ?? [];
  const met = described === undefined ? request : (descriptions[described] ?? '');
  const read = steps === 0 ? met : (messages.at(-1)?.content ?? '');
  const wanted = steps <= (reader === undefined ? 0 : 1) ? attackIn(read) : undefined;
  return wanted === undefined ? { text: JSON.stringify({ answer: 'helped' }) } : { calls: [wanted] };
}

function attackIn(read: string): Attack | undefined {
  return [...ATTACKS, WITHIN].find(
    ({ text }) => read.includes(text) || read.includes(JSON.stringify(text).slice(1, -1)),
  );
}

/** What a customer asks, so that the model meets the attack where it is. */
function requestFor(attack: Attack): string {
  const index = ATTACKS.indexOf(attack);
  const reader = READERS[attack.channel];
  if (reader !== undefined) return `READ ${reader} ${index}`;
  if (attack.channel === 'MCP result') return `READ directory_find-${index} ${index}`;
  return attack.channel === 'user' ? attack.text : `USE directory_search-${index}`;
}

describe('a model that obeys every text', function () {
  this.timeout(300_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(obey);
    const { program } = await toldServer(HOSTILE);
    const tools = Object.fromEntries(Object.keys(HOSTILE).map((name) => [name, { risk: 'network_read' }]));
    const file = await toolSourcesFile({ directory: { ...program, tools } });
    const environment = { MUSTER_MODELS: await modelsFile(models.url), MUSTER_TOOL_SOURCES: file };
    muster = await openMuster('injection', { environment });
    await muster.work({ graphs: [helping] });
    for (const [tool, where] of Object.entries(GRANTED)) {
      await muster.client.call('grants.allow', { agent: 'victim', tool, where });
    }
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  beforeEach(() => {
    made.length = 0;
  });

  /** Lets the model meet texts. @returns how the task of each ended, and the last call that it asked for */
  const meet = async (attacks: readonly Attack[]) => {
    const items = attacks.map((attack) => ({ input: { request: requestFor(attack) } }));
    const met: { status: string; call: { tool: string; state: string } | undefined }[] = [];
    for (const task of await muster.client.submitMany('helping', items)) {
      const { status } = (await ended(task)).task;
      const calls = await behindTheBack<{ tool: string; state: string }>(
        muster,
        `select tool, state from muster.tool_calls where task_id = '${task.id}' order by step`,
      );
      met.push({ status, call: calls.at(-1) });
    }
    return met;
  };

  it('S15: makes no call beyond its grants, whatever 40 texts in 8 places talk it into', async () => {
    const met = await meet(ATTACKS);

    // It did obey: each call was asked for, and refused.
    assert.deepEqual(
      met,
      ATTACKS.map(({ tool }) => ({ status: 'completed', call: { tool, state: 'denied' } })),
    );
    assert.deepEqual(made, []);
    for (const channel of CHANNELS) assert.equal(ATTACKS.filter((one) => one.channel === channel).length, 5, channel);
  });

  it('S15: makes the call that such a text asks for within the grants', async () => {
    const met = await meet([WITHIN]);

    assert.deepEqual(met, [{ status: 'completed', call: { tool: 'refund', state: 'done' } }]);
    assert.deepEqual(made, ['refund {"order":"A-7","amount":20}']);
  });
});
