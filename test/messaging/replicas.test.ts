import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { AgentProcess } from './agent-process.ts';

describe('an agent that lives in two processes', () => {
  const MESSAGES = 1_000;
  let muster: MusterUnderTest;
  const processes: AgentProcess[] = [];

  before(async () => {
    muster = await openMuster('replicas');
  });
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.kill();
  });
  after(() => muster?.close());

  const start = async (name: string): Promise<AgentProcess> => {
    const { environment, stack } = muster;
    const started = await AgentProcess.start(name, { environment, folder: stack.folder });
    processes.push(started);
    return started;
  };
  const sendMany = (name: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => muster.client.messages.send(name, { n })));

  it('C022: handles each of a thousand messages once, and takes part with both', async () => {
    const [one, other] = await Promise.all([start('twin'), start('twin')]);

    await sendMany('twin', MESSAGES);

    await eventually(async () => assert.equal((await muster.client.messages.counts('twin')).processed, MESSAGES), {
      withinMs: 45_000,
      everyMs: 100,
    });
    // On a busy machine one of the two may have had no turn yet. It has one while the other is occupied.
    let sent = MESSAGES;
    await eventually(
      async () => {
        if (one.handled.length > 0 && other.handled.length > 0) return true;
        await muster.client.messages.send('twin', { n: sent, pause: true });
        sent += 1;
        return false;
      },
      { withinMs: 20_000, everyMs: 300, what: 'that both take part' },
    );
    await eventually(async () => assert.equal((await muster.client.messages.counts('twin')).processed, sent), {
      withinMs: 45_000,
    });
    const handled = [...one.handled, ...other.handled].map((report) => report.handled);
    assert.deepEqual([handled.length, new Set(handled).size], [sent, sent]);
  }).timeout(120_000);

  it('C022: delivers a message again whose handler died with its process, and no other one', async () => {
    const first = await start('phoenix');
    await muster.client.messages.send('phoenix', { n: 1 });
    await eventually(() => first.handled.length === 1);
    await eventually(async () => (await muster.client.messages.counts('phoenix')).processed === 1);
    const { id } = await muster.client.messages.send('phoenix', { n: 2, hang: true });
    await muster.client.messages.send('phoenix', { n: 3 });
    await eventually(() => first.reports.some((report) => report.begun === 2));

    await first.kill();
    const second = await start('phoenix');
    // What half a minute does: the lease of the dead process's message runs out.
    await behindTheBack(muster, `update muster.agent_messages set leased_until = now() where status = 'leased'`);

    await eventually(async () => (await muster.client.messages.counts('phoenix')).processed === 3);
    assert.deepEqual(
      second.handled.map(({ handled, delivery }) => [handled, delivery]),
      [
        [2, 2],
        [3, 1],
      ],
    );
    const [again] = await muster.client.messages.list({ id });
    assert.equal(again?.attempts, 2);
  });

  it('A5: ignores what a process writes that was stopped for longer than its lease', async () => {
    const stopped = await start('zombie');
    const { id } = await muster.client.messages.send('zombie', { n: 1, pause: true });
    await eventually(() => stopped.reports.some((report) => report.begun === 1));
    stopped.signal('SIGSTOP');
    await behindTheBack(muster, `update muster.agent_messages set leased_until = now() where status = 'leased'`);
    const second = await start('zombie');
    await eventually(async () => (await muster.client.messages.counts('zombie')).processed === 1);

    stopped.signal('SIGCONT');
    await eventually(() => stopped.handled.length === 1);
    await muster.client.messages.send('zombie', { n: 2 });
    await eventually(async () => (await muster.client.messages.counts('zombie')).processed === 2);

    const [row] = await muster.client.messages.list({ id });
    assert.deepEqual([row?.status, row?.attempts], ['processed', 2]);
    assert.deepEqual(row?.result, { n: 1, pid: second.pid });
  });
});
