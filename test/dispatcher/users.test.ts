import assert from 'node:assert/strict';
import type { SubmitOptions, SubmittedTask } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';

describe('the tasks of one user', () => {
  const script = new Script();
  const graphs = Object.values(scriptedGraphs(script));
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('users');
    await Promise.all([muster.work({ graphs }), muster.work({ graphs })]);
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const submit = (user: string, options: SubmitOptions = {}) =>
    muster.client.submit('single', {}, { ...options, user });
  const callsOf = (task: SubmittedTask) => script.calls.filter((call) => call.taskId === task.id);

  it('C019: never overlap, while those of another user go beside them', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);

    const ofAda = [await submit('ada'), await submit('ada'), await submit('ada')];
    const ofBen = await submit('ben');
    await eventually(() => script.calls.length === 2, { what: 'one task of each user' });
    const atWork = script.calls.map((call) => call.taskId).toSorted();
    gate.open();
    await Promise.all([...ofAda, ofBen].map((task) => task.result()));

    assert.deepEqual(atWork, [ofAda[0]?.id, ofBen.id].toSorted());
    const spans = ofAda.flatMap(callsOf).map((call) => [call.began, call.ended ?? 0] as const);
    spans.forEach(([began], index) => {
      assert.ok(began > (spans[index - 1]?.[1] ?? 0), `task ${index} began before the one before it ended`);
    });
  });

  it('C019: run one after the other in their order, twenty of them over two workers', async () => {
    const tasks: SubmittedTask[] = [];
    for (let index = 0; index < 20; index += 1) tasks.push(await submit('carol'));

    await Promise.all(tasks.map((task) => task.result()));

    assert.deepEqual(
      script.calls.map((call) => call.taskId),
      tasks.map((task) => task.id),
    );
    assert.ok(script.calls.every((call) => call.together === 1));
  });

  it('C019: are not held up by one that was cancelled while it waited, nor by one that is held back', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const [running, cancelled, held, last] = [
      await submit('dora'),
      await submit('dora'),
      await submit('dora'),
      await submit('dora'),
    ];
    await eventually(() => script.calls.length === 1);

    await cancelled.cancel();
    await held.pause();
    gate.open();
    await running.result();
    await last.result();

    assert.deepEqual(
      script.calls.map((call) => call.taskId),
      [running.id, last.id],
    );
    assert.equal((await held.read()).status, 'deferred');
  });
});
