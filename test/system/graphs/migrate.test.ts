import assert from 'node:assert/strict';
import { z } from 'zod';
import { connect, defineAgent, defineGraph } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { behindTheBack } from '../acceptance/database.ts';

const output = z.object({ text: z.string() });
const input = z.object({ topic: z.string() });
const calls = { drafts: 0 };
const drafter = defineAgent({
  ...{ name: 'mover-drafter', input, output },
  handle: ({ topic }) => {
    calls.drafts += 1;
    return { text: `About ${topic}.` };
  },
});
const sender = defineAgent({ name: 'mover-sender', input: output, output, handle: (of) => of });
const shouter = defineAgent({
  ...{ name: 'mover-shouter', input: output, output },
  handle: ({ text }) => ({ text: text.toUpperCase() }),
});

const letter = (nodes: object) => defineGraph({ name: 'moved-letter', input, nodes, output: '/nodes/send' } as never);
const draft = { agent: drafter, input: { topic: '/task/topic' } };
const consent = { approval: 'May it go out?', input: { text: '/nodes/draft/text' } };
const send = { agent: sender, input: { text: '/nodes/draft/text' }, after: ['consent'] };
const first = letter({ draft, consent, send });
const shouting = letter({
  ...{ draft, consent, shout: { agent: shouter, input: { text: '/nodes/draft/text' }, after: ['consent'] } },
  send: { agent: sender, input: { text: '/nodes/shout/text' } },
});
const without = letter({ draft, send: { ...send, after: [] } });

describe('the migration of parked tasks', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('graph-migrate');
    await muster.client.publish([first]);
    await muster.work({ agents: [drafter, sender, shouter] });
  });
  after(() => muster?.close());

  const waiting = async (topic: string) => {
    const task = await muster.client.submit('moved-letter', { topic });
    await eventually(async () => assert.equal((await task.read()).status, 'waiting_approval'));
    return task;
  };
  const versionOf = async (id: string) => {
    const query =
      'select g.version from muster.tasks t join muster.agent_graphs g on g.id = t.graph_id where t.id = $1';
    return (await behindTheBack<{ version: number }>(muster, query, [id]))[0]?.version;
  };
  const approve = async (taskId: string) => {
    const [asked] = await muster.client.call('approvals.list', { task: taskId });
    await muster.client.call('approvals.decide', { id: asked?.id ?? '', verdict: 'approve' });
  };
  const migrate = (more: object = {}) => muster.client.call('graphs.migrate', { graph: 'moved-letter', ...more });

  it('moves one that waits, which continues under the version and does nothing twice', async () => {
    const task = await waiting('tea');
    const drafts = calls.drafts;
    await muster.client.publish([shouting]);

    const dry = await migrate({ dryRun: true });
    assert.deepEqual(dry.tasks, [{ taskId: task.id, outcome: 'movable', breaks: null }]);
    assert.equal(await versionOf(task.id), 1);

    const { tasks, version } = await migrate();
    assert.deepEqual([version, tasks], [2, [{ taskId: task.id, outcome: 'moving', breaks: null }]]);
    await eventually(async () => assert.equal(await versionOf(task.id), 2));
    await eventually(async () => assert.equal((await task.read()).status, 'waiting_approval'));
    await approve(task.id);

    assert.deepEqual((await task.result()).output, { text: 'ABOUT TEA.' });
    assert.equal(calls.drafts, drafts, 'the draft was not made again');
  });

  it('moves one that is paused, and one that has not begun', async () => {
    await muster.client.call('graphs.activate', { graph: 'moved-letter', version: 1 });
    const paused = await waiting('cake');
    await paused.pause();
    await eventually(async () => assert.equal((await paused.read()).status, 'paused'));
    const later = await muster.client.submit(
      'moved-letter',
      { topic: 'jam' },
      { startAt: new Date(Date.now() + 3_600_000) },
    );
    await muster.client.call('graphs.activate', { graph: 'moved-letter', version: 2 });

    const { tasks } = await migrate();

    assert.deepEqual(
      tasks.map(({ taskId, outcome }) => [taskId, outcome]),
      [
        [paused.id, 'moving'],
        [later.id, 'moved'],
      ],
    );
    await eventually(async () => assert.equal(await versionOf(paused.id), 2));
    assert.equal(await versionOf(later.id), 2);
    assert.equal((await paused.read()).status, 'paused');
    await paused.resume();
    await eventually(async () => assert.equal((await paused.read()).status, 'waiting_approval'));
    await approve(paused.id);
    assert.deepEqual((await paused.result()).output, { text: 'ABOUT CAKE.' });
    await later.cancel();
  });

  it('refuses one that would break with the sentence of the check, and leaves it where it is', async () => {
    const task = await waiting('salt');
    const before = await versionOf(task.id);
    await muster.client.publish([without]);

    const { tasks } = await migrate();

    const breaks = { path: 'consent', message: 'It has begun, and this version has no such node.' };
    assert.deepEqual(tasks, [{ taskId: task.id, outcome: 'refused', breaks }]);
    const { graphs } = await muster.client.call('graphs.check', { graph: 'moved-letter', traces: 0 });
    assert.deepEqual(graphs[0]?.breaks, [{ taskId: task.id, kind: 'task', ...breaks }]);
    await approve(task.id);
    await task.result();
    assert.equal(await versionOf(task.id), before);
  });

  it('is finished by the relay where the caller died before it told the workflow', async () => {
    await muster.client.call('graphs.activate', { graph: 'moved-letter', version: 1 });
    const task = await waiting('milk');
    // A client that cannot reach Temporal tells nobody, as one that dies after its commit.
    const cutOff = await connect({ environment: { ...muster.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    const { tasks } = await cutOff.call('graphs.migrate', { graph: 'moved-letter', to: 2, task: task.id });
    await cutOff.close();

    assert.equal(tasks[0]?.outcome, 'moving');
    await eventually(async () => assert.equal(await versionOf(task.id), 2), { withinMs: 20_000 });
    await approve(task.id);
    assert.deepEqual((await task.result()).output, { text: 'ABOUT MILK.' });
  });

  it('moves no task of another tenant', async () => {
    await muster.client.call('graphs.activate', { graph: 'moved-letter', version: 1 });
    const task = await waiting('oats');
    const other = await muster.connect({ tenant: 'other' });
    await other.publish([shouting]);

    assert.deepEqual((await other.call('graphs.migrate', { graph: 'moved-letter' })).tasks, []);
    assert.deepEqual((await other.call('graphs.migrate', { graph: 'moved-letter', task: task.id })).tasks, []);
    assert.equal(await versionOf(task.id), 1);
  });
});
