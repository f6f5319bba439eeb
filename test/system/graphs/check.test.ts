import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { CliUnderTest } from '../../cli/cli-under-test.ts';
import { eventually } from '../../support/eventually.ts';

const output = z.object({ text: z.string() });
const input = z.object({ topic: z.string() });
const calls = { drafts: 0, sends: 0 };
const drafter = defineAgent({
  ...{ name: 'drafter', input, output },
  handle: ({ topic }) => {
    calls.drafts += 1;
    return { text: `About ${topic}.` };
  },
});
const sender = defineAgent({
  ...{ name: 'sender', input: output, output },
  handle: (of) => {
    calls.sends += 1;
    return of;
  },
});

const letter = (nodes: object, more: object = {}) =>
  defineGraph({ name: 'letter', input, nodes, output: '/nodes/send', ...more } as never);
const draft = { agent: drafter, input: { topic: '/task/topic' } };
const consent = { approval: 'May it go out?', input: { text: '/nodes/draft/text' } };
const send = { agent: sender, input: { text: '/nodes/draft/text' }, after: ['consent'] };
const first = letter({ draft, consent, send });

describe('the check of a version', () => {
  let cli: CliUnderTest;
  let waiting: string;

  before(async () => {
    cli = await CliUnderTest.open('graph-check');
    await cli.muster.client.publish([first]);
    await cli.muster.work({ agents: [drafter, sender] });
    const done = await cli.muster.client.submit('letter', { topic: 'tea' });
    const [asked] = await eventually(async () => {
      const found = await cli.muster.client.call('approvals.list', {});
      assert.equal(found.length, 1);
      return found;
    });
    await cli.muster.client.call('approvals.decide', { id: asked?.id ?? '', verdict: 'approve' });
    await done.result();
    waiting = (await cli.muster.client.submit('letter', { topic: 'cake' })).id;
    await eventually(async () => {
      assert.equal((await cli.muster.client.task(waiting).read()).status, 'waiting_approval');
    });
  });
  after(() => cli?.close());

  const check = async ({ definition }: ReturnType<typeof letter>) => {
    const { graphs } = await cli.muster.client.call('graphs.check', { definition });
    const [checked] = graphs;
    assert.ok(checked);
    return checked;
  };

  it('finds nothing in a version with which all can continue, and names what nothing proves', async () => {
    const { tasks, traces, breaks, unproven } = await check(
      letter({ draft, consent, send, archive: { agent: drafter, input: { topic: '/nodes/send/text' } } }),
    );

    assert.deepEqual([tasks, traces, breaks], [1, 1, []]);
    assert.deepEqual(unproven, ['archive']);
  });

  it('names the task that waits at a node which is gone, and no trace for it', async () => {
    const { breaks } = await check(letter({ draft, send: { ...send, after: [] } }));

    const message = 'It has begun, and this version has no such node.';
    assert.deepEqual(breaks, [{ taskId: waiting, kind: 'task', path: 'consent', message }]);
  });

  it('names the task and the trace whose outputs lack what a node would read', async () => {
    const { breaks } = await check(
      letter({ draft, consent, send: { ...send, input: { text: '/nodes/draft/title' } } }),
    );

    assert.deepEqual(
      breaks.map(({ kind, path }) => [kind, path]),
      [
        ['task', 'send'],
        ['trace', 'send'],
      ],
    );
    for (const { message } of breaks)
      assert.equal(message, 'It cannot be given its input: /nodes/draft/title has no value.');
  });

  it('names every task whose input the version would refuse', async () => {
    const { breaks } = await check(
      letter({ draft, consent, send }, { input: z.object({ topic: z.string(), to: z.string() }) }),
    );

    assert.equal(breaks.length, 2);
    for (const { path, message } of breaks) {
      assert.equal(path, null);
      assert.equal(message, "The task's input does not fit: it must have required property 'to'.");
    }
  });

  it('calls no agent and changes no row but those of the versions', async () => {
    const before = { ...calls };
    const shown = await cli.muster.client.task(waiting).show();

    await check(letter({ draft, consent, send: { ...send, input: { text: '/nodes/draft' } } }));

    assert.deepEqual(calls, before);
    assert.deepEqual(await cli.muster.client.task(waiting).show(), shown);
  });

  it('reads a file, and ends the command with 1 where something would break', async () => {
    const file = join(cli.folder, 'letter.json');
    writeFileSync(file, DOCUMENT);

    const { exitCode, stdout } = await cli.run(['graphs', 'check', file]);

    assert.equal(exitCode, 1);
    assert.match(stdout, /^letter: 1 parked tasks and 1 traces of letter@1 were tried\.\n1 would break:\n/);
    assert.match(stdout, new RegExp(`task ${waiting} at consent: It has begun, and this version has no such node\\.`));
  });

  it('shows a tenant nothing of what another one runs', async () => {
    const other = await cli.muster.connect({ tenant: 'other' });

    const { graphs } = await other.call('graphs.check', { document: DOCUMENT });

    assert.deepEqual(
      graphs.map(({ tasks, traces, breaks }) => [tasks, traces, breaks]),
      [[0, 0, []]],
    );
  });
});

/** Without the consent. */
const DOCUMENT = `
name: letter
input: { type: object, properties: { topic: { type: string } }, required: [topic] }
components:
  draft: { agent: drafter, input: { topic: /task/topic } }
  send: { agent: sender, input: { text: /nodes/draft/text } }
output: /nodes/send
`;
