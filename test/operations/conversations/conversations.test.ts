import assert from 'node:assert/strict';
import { hasErrorCode, type Muster } from '../../../index.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { began, deaf, type HeldTurn, held, mostAtOnce, talk } from './talk.ts';

const is = (code: string) => (error: unknown) => hasErrorCode(error) && error.code === code;

describe('conversations', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let client: Muster;

  before(async () => {
    muster = await openMuster('conversations');
    await muster.work({ graphs: [talk, deaf] });
    client = muster.client;
  });
  after(() => muster?.close());

  const rows = <Row>(statement: string, values: readonly unknown[] = []) =>
    withPostgresql(muster.ownerUrl, async (server) => (await server.query(statement, [...values])).rows as Row[]);
  const say = (id: string, text: string, options: object = {}) =>
    client.conversation(id).say(text, { graph: 'talk', ...options });
  const ask = async (id: string, text: string) => (await say(id, text)).answer();
  const heldIn = (id: string, text: string): Promise<HeldTurn> =>
    eventually(() => {
      const turn = held.find((one) => one.conversation === id && one.text === text);
      assert.ok(turn !== undefined, `${text} is not under way`);
      return turn;
    });
  const statesOf = async (id: string) => {
    const { turns } = await client.conversation(id).view({ rolledBack: true });
    return turns.map(({ text, state, reply }) => [text, state, reply]);
  };

  it('answer one input after the other, each with what was said before', async () => {
    const first = await ask('order', 'one');
    const { updatedAt } = await client.conversation('order').view();
    const second = await ask('order', 'silence');
    const third = await ask('order', 'three');
    const view = await client.conversation('order').view();

    assert.deepEqual([first.state, first.reply, first.number], ['answered', 'one after 0', 1]);
    assert.deepEqual([second.state, second.reply], ['silent', null]);
    assert.deepEqual([third.state, third.reply, third.number], ['answered', 'three after 3', 3]);
    assert.deepEqual(began.at(-1)?.history, [
      { role: 'user', text: 'one' },
      { role: 'assistant', text: 'one after 0' },
      { role: 'user', text: 'silence' },
    ]);
    assert.ok(view.updatedAt > updatedAt);
    assert.deepEqual([view.turnCount, view.graph, view.turns.length], [3, 'talk', 3]);
    assert.equal((await client.operations.conversations.list({}))[0]?.id, 'order');
  });

  it('give inputs that come all at once their turns in their order, one at a time, each once', async () => {
    const inputs = Array.from({ length: 20 }, (_, index) => `input ${index}`);

    const appended = await Promise.all(inputs.map((text) => say('crowd', text)));
    await Promise.all(appended.map(({ answer }) => answer()));

    const own = began.filter(({ conversation }) => conversation === 'crowd');
    const { turns } = await client.conversation('crowd').view();
    assert.deepEqual(
      own.map(({ text }) => text),
      turns.map(({ text }) => text),
    );
    assert.deepEqual(new Set(turns.map(({ text }) => text)), new Set(inputs));
    assert.equal(
      turns.every(({ state }) => state === 'answered'),
      true,
    );
    assert.equal(new Set(turns.map(({ taskId }) => taskId)).size, inputs.length);
    assert.equal(mostAtOnce, 1);
  });

  it('know an input by its key, for two who say it at once too', async () => {
    const twice = await Promise.all([say('keyed', 'hello', { key: 'a' }), say('keyed', 'hello', { key: 'a' })]);
    await twice[0]?.answer();
    const later = await say('keyed', 'hello', { key: 'a' });
    const elsewhere = await say('keyed-too', 'hello', { key: 'a' });

    assert.deepEqual(
      twice.map(({ turn }) => turn),
      [1, 1],
    );
    assert.deepEqual(new Set(twice.map(({ duplicate }) => duplicate)), new Set([true, false]));
    assert.deepEqual([later.turn, later.duplicate, later.state], [1, true, 'answered']);
    assert.deepEqual([elsewhere.turn, elsewhere.duplicate], [1, false]);
    await assert.rejects(say('keyed', 'other', { key: 'a' }), is('idempotency_conflict'));
    assert.equal((await statesOf('keyed')).length, 1);
  });

  it('let an input wait, and say how many come before it', async () => {
    await say('queue', 'hold it');
    const running = await heldIn('queue', 'hold it');
    const second = await say('queue', 'second');
    const third = await say('queue', 'third');
    running.let();

    assert.deepEqual([second.state, second.ahead, second.taskId], ['queued', 1, null]);
    assert.deepEqual([third.state, third.ahead], ['queued', 2]);
    assert.equal((await third.answer()).reply, 'third after 4');
  });

  it('refuse an input that is not to wait, and write nothing of it', async () => {
    await say('busy', 'hold it');
    const running = await heldIn('busy', 'hold it');

    await assert.rejects(say('busy', 'no', { onBusy: 'reject', key: 'b' }), is('conversation_busy'));
    running.let();
    await eventually(async () => assert.equal((await client.conversation('busy').turn(1)).state, 'answered'));
    const later = await say('busy', 'no', { onBusy: 'reject', key: 'b' });

    assert.deepEqual([later.turn, later.duplicate], [2, false]);
    assert.equal((await later.answer()).state, 'answered');
  });

  it('interrupt a turn: what there was of its reply is kept, marked, and read by the next one', async () => {
    await say('cut', 'hold it');
    const running = await heldIn('cut', 'hold it');
    const next = await say('cut', 'stop', { onBusy: 'interrupt' });

    assert.equal((await next.answer()).reply, 'stop after 2');
    assert.deepEqual(await statesOf('cut'), [
      ['hold it', 'interrupted', 'draft of hold it'],
      ['stop', 'answered', 'stop after 2'],
    ]);
    assert.deepEqual(began.at(-1)?.history, [
      { role: 'user', text: 'hold it' },
      { role: 'assistant', text: 'draft of hold it', interrupted: true },
    ]);
    assert.equal((await client.task(running.taskId).read()).status, 'cancelled');
  });

  it('roll a turn back: later turns know neither its input nor its reply', async () => {
    await ask('back', 'one');
    await say('back', 'hold it');
    await heldIn('back', 'hold it');
    const next = await say('back', 'instead', { onBusy: 'rollback' });

    assert.equal((await next.answer()).reply, 'instead after 2');
    assert.deepEqual(await statesOf('back'), [
      ['one', 'answered', 'one after 0'],
      ['hold it', 'rolled_back', null],
      ['instead', 'answered', 'instead after 2'],
    ]);
    assert.equal((await client.conversation('back').view()).turns.length, 2);
  });

  it('keep the order when inputs wait before one that interrupts', async () => {
    await say('waits', 'hold it');
    await heldIn('waits', 'hold it');
    await say('waits', 'second');
    const third = await say('waits', 'third', { onBusy: 'interrupt' });
    await third.answer();

    assert.deepEqual(
      (await statesOf('waits')).map(([text, state]) => [text, state]),
      [
        ['hold it', 'interrupted'],
        ['second', 'answered'],
        ['third', 'answered'],
      ],
    );
  });

  it('continue after a turn that failed', async () => {
    const failed = await ask('ill', 'fail');
    const next = await ask('ill', 'well');

    assert.deepEqual([failed.state, failed.error?.code], ['failed', 'handler_failed']);
    assert.equal(next.reply, 'well after 1');
  });

  it('take the reply of a failed turn once its task was redriven', async () => {
    const failed = await ask('redriven', 'fail once');

    await client.redrive(failed.taskId ?? '');
    const mended = await eventually(async () => {
      const turn = await client.conversation('redriven').turn(1);
      assert.equal(turn.state, 'answered');
      return turn;
    });

    assert.equal(failed.state, 'failed');
    assert.deepEqual([mended.reply, mended.error], ['fail once after 0', null]);
  });

  it('continue by themselves where nobody followed the end of a turn', async () => {
    const { taskId } = await ask('still', 'one');
    await rows(
      `update muster.conversation_turns set state = 'running', reply = null, ended_at = null where task_id = $1`,
      [taskId],
    );

    const mended = await eventually(
      async () => {
        const turn = await client.conversation('still').turn(1);
        assert.equal(turn.state, 'answered');
        return turn;
      },
      { withinMs: 20_000 },
    );

    assert.equal(mended.reply, 'one after 0');
  });

  it('end a turn whose task somebody cancels before it has begun', async () => {
    await client.pause('graph:talk');
    const first = await say('paused', 'one');
    const second = await say('paused', 'two', { onBusy: 'interrupt' });
    await client.resume('graph:talk');

    assert.equal((await second.answer()).state, 'answered');
    assert.equal((await first.answer()).state, 'interrupted');
  });

  const refused: readonly (readonly [string, string, object, string])[] = [
    ['an unknown graph', 'hello', { graph: 'nowhere' }, 'graph_unknown'],
    ['a graph that does not take turns', 'hello', { graph: 'deaf' }, 'input_invalid'],
    ['an empty text', '', {}, 'option_invalid'],
    ['a text with NUL', 'a\u0000b', {}, 'option_invalid'],
    ['half a surrogate pair', 'a\ud800', {}, 'option_invalid'],
    ['100,001 characters', 'x'.repeat(100_001), {}, 'option_invalid'],
    ['a policy that there is not', 'hello', { onBusy: 'shout' }, 'option_invalid'],
  ];
  for (const [what, text, options, code] of refused) {
    it(`refuse ${what}, and change nothing`, async () => {
      await assert.rejects(say('refused', text, options), is(code));

      await assert.rejects(client.conversation('refused').view(), is('conversation_unknown'));
    });
  }

  it('belong to their tenant: another one sees nothing of them, and may use the same name', async () => {
    const other = await muster.connect({ tenant: 'others' });
    await ask('mine', 'secret');

    await assert.rejects(other.conversation('mine').view(), is('conversation_unknown'));
    await assert.rejects(other.conversation('mine').turn(1), is('conversation_unknown'));
    assert.deepEqual(await other.operations.conversations.list({}), []);
    const own = await other.conversation('mine').say('hello', { graph: 'talk' });
    assert.equal((await own.answer()).reply, 'hello after 0');
    assert.equal((await client.conversation('mine').view()).turnCount, 1);
  });

  it('name who spoke, in the turn, its task and the audit log', async () => {
    const said = await client.as('ada').conversation('audited').say('hello', { graph: 'talk' });
    const turn = await said.answer();

    const logged = await rows<{ actor: string; details: unknown }>(
      `select actor, details from muster.audit_log where action = 'conversation.appended' and subject_id = 'audited'`,
    );
    assert.equal(turn.user, 'ada');
    assert.equal((await client.task(turn.taskId ?? '').read()).user, 'ada');
    assert.deepEqual(logged, [{ actor: 'ada', details: { turn: 1 } }]);
  });
});
