import assert from 'node:assert/strict';
import type { Muster } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { briefsOf, givenTo, plainTurn, reset, script, triedTurn } from './plain-turn.ts';

interface TurnOutput {
  readonly reply: string | null;
  readonly route: string;
  readonly router: { readonly context: readonly string[]; readonly tools: boolean; readonly temperature: number };
  readonly missing: readonly string[];
  readonly revisions: number;
  readonly score: number | null;
  readonly canary: { readonly allowed: boolean; readonly reason: string; readonly failure: string | null } | null;
}

describe('a turn', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let client: Muster;

  before(async () => {
    muster = await openMuster('turns');
    await muster.work({ graphs: [plainTurn, triedTurn] });
    client = muster.client;
  });
  after(() => muster?.close());
  beforeEach(() => reset());

  let number = 0;
  /** Says something in a conversation of its own. */
  async function turnOf(graph: string, text: string) {
    number += 1;
    const said = await client.conversation(`turn ${number}`).say(text, { graph });
    const turn = await said.answer();
    const { status } = await client.task(turn.taskId ?? '').read();
    const { output, traces } = await client.task(turn.taskId ?? '').show();
    return { turn, status, output: output as unknown as TurnOutput, runs: traces[0]?.runs ?? [] };
  }
  const rows = <Row>(statement: string) =>
    withPostgresql(muster.ownerUrl, async (server) => (await server.query(statement)).rows as Row[]);

  it('goes where the router says, with what the providers know', async () => {
    const { turn, output } = await turnOf('plain-turn', 'sort it');

    assert.deepEqual([turn.state, turn.reply], ['answered', 'code: sort it']);
    assert.partialDeepStrictEqual(output, { route: 'code', missing: [], revisions: 0, score: 1 });
    assert.deepEqual(briefsOf('turn-code')[0]?.context, [
      { name: 'memory', json: { known: 'much' } },
      { name: 'social', json: { friends: 2 } },
    ]);
    assert.partialDeepStrictEqual(givenTo('turn-router')[0], {
      text: 'sort it',
      routes: [
        { name: 'qa', does: 'The turn-qa.' },
        { name: 'code', does: 'The turn-code.' },
      ],
    });
    assert.equal(givenTo('turn-qa').length, 0);
  });

  it('asks the first provider and those that the router wants', async () => {
    script.set('turn-router', () => ({ route: 'qa', context: [], temperature: 0.3, tools: false }));

    const { output } = await turnOf('plain-turn', 'hello');

    assert.deepEqual(output.missing, ['social']);
    assert.equal(givenTo('turn-social').length, 0);
    assert.partialDeepStrictEqual(briefsOf('turn-qa')[0], { temperature: 0.3, tools: false });
  });

  it('C003: takes the safe default when the router fails, and when it says what cannot be used', async () => {
    const answers = [
      () => {
        throw new Error('the router is ill');
      },
      () => 'not JSON at all',
      () => ({ route: 'admin', temperature: 0 }),
    ];
    for (const answer of answers) {
      script.set('turn-router', answer);

      const { turn, output } = await turnOf('plain-turn', 'hello');

      assert.equal(turn.reply, 'qa: hello');
      assert.partialDeepStrictEqual(output, { route: 'qa', missing: ['social'] });
      assert.partialDeepStrictEqual(output.router, { context: ['memory'], tools: true, temperature: 0.8 });
    }
  });

  it('is answered without a provider that fails, without a critic that fails', async () => {
    const fails = () => {
      throw new Error('ill');
    };
    script.set('turn-social', fails).set('turn-critic', fails);

    const { turn, output } = await turnOf('plain-turn', 'hello');

    assert.equal(turn.reply, 'code: hello');
    assert.partialDeepStrictEqual(output, { missing: ['social'], score: null, revisions: 0 });
  });

  it('C010: is revised exactly twice at scores of .5, .5, .5, each time cooler, with what the critic said', async () => {
    let drafts = 0;
    script
      .set('turn-router', () => ({ route: 'qa', temperature: 0.4 }))
      .set('turn-qa', () => ({ reply: `draft ${++drafts}` }))
      .set('turn-critic', () => ({ score: 0.5, notes: 'too long' }));

    const { turn, output } = await turnOf('plain-turn', 'hello');

    assert.equal(turn.reply, 'draft 3');
    assert.partialDeepStrictEqual(output, { revisions: 2, score: 0.5 });
    assert.equal(givenTo('turn-critic').length, 3);
    assert.deepEqual(
      briefsOf('turn-qa').map(({ temperature, draft, notes }) => [temperature, draft, notes]),
      [
        [0.4, null, null],
        [0.2, 'draft 1', 'too long'],
        [0.1, 'draft 2', 'too long'],
      ],
    );
  });

  it('is not revised any more once the critic is content', async () => {
    const scores = [0.5, 0.9];
    script.set('turn-critic', () => ({ score: scores.shift() }));

    const { output } = await turnOf('plain-turn', 'hello');

    assert.partialDeepStrictEqual(output, { revisions: 1, score: 0.9 });
  });

  it('says nothing where the answer is exactly the silence marker, and has nothing judged then', async () => {
    script.set('turn-code', () => '[SILENCE]');

    const { turn, output } = await turnOf('plain-turn', 'hello');

    assert.deepEqual([turn.state, turn.reply], ['silent', null]);
    assert.equal(output.reply, null);
    assert.equal(givenTo('turn-critic').length, 0);
  });

  it('fails where its route fails, with the reason', async () => {
    script.set('turn-code', () => {
      throw Object.assign(new Error('no compiler'), { retryable: false });
    });

    const { turn } = await turnOf('plain-turn', 'hello');

    assert.equal(turn.state, 'failed');
    assert.match(turn.error?.message ?? '', /no compiler/);
  });

  it('C001: has a trace that is a row before its end, with the reply after it, and answers without one too', async () => {
    const newest = 'select status, reply_text from muster.agent_traces order by created_at desc limit 1';
    const traces = () => rows<{ status: string; reply_text: string }>(newest);
    const during = Promise.withResolvers<unknown>();
    script.set('turn-code', async () => {
      during.resolve(await traces());
      return 'code: hello';
    });
    await turnOf('plain-turn', 'hello');
    const written = await traces();
    await rows(`
      create function muster.break_traces() returns trigger language plpgsql as $$
        begin raise exception 'the trace writer is broken'; end $$;
      create trigger break_events before insert on muster.trace_events
        for each row execute function muster.break_traces();
      create trigger break_traces before update on muster.agent_traces
        for each row execute function muster.break_traces();`);
    script.delete('turn-code');
    const broken = await turnOf('plain-turn', 'hello again').finally(() =>
      rows(`drop trigger break_events on muster.trace_events; drop trigger break_traces on muster.agent_traces;
        drop function muster.break_traces();`),
    );

    assert.deepEqual(await during.promise, [{ status: 'running', reply_text: '' }]);
    assert.deepEqual(written, [{ status: 'completed', reply_text: 'code: hello' }]);
    assert.deepEqual([broken.turn.state, broken.turn.reply], ['answered', 'code: hello again']);
  });

  it('leaves a canary alone whose percentage is zero', async () => {
    const { output } = await turnOf('plain-turn', 'hello');

    assert.partialDeepStrictEqual(output.canary, { allowed: false, reason: 'disabled', failure: null });
    assert.equal(givenTo('turn-new-code').length, 0);
  });

  it('C008: tries its canary, answers as usual where that fails, and closes it when its error budget is used up', async () => {
    const state = async () => (await client.operations.canaries.list({})).find(({ name }) => name === 'tried-turn');
    const good = await turnOf('tried-turn', 'one');
    script.set('tried-new', () => {
      throw Object.assign(new Error('not ready'), { retryable: false });
    });
    const failed = await turnOf('tried-turn', 'two');
    const afterTwo = await state();
    script.delete('tried-new');
    script.set('tried-critic', () => ({ score: 0.1 }));
    const unmet = await turnOf('tried-turn', 'three');
    script.delete('tried-critic');
    await turnOf('tried-turn', 'four');
    const afterFour = await state();
    const closed = await turnOf('tried-turn', 'five');

    assert.deepEqual([good.turn.reply, good.output.canary?.failure], ['new: one', null]);
    assert.deepEqual([failed.turn.reply, failed.output.canary?.failure], ['old: two', 'graph_failed_tasks']);
    assert.deepEqual([unmet.turn.reply, unmet.output.canary?.failure], ['new: three', 'hard_gate_unmet']);
    assert.deepEqual([afterTwo?.outcomes, afterTwo?.failures, afterTwo?.closedUntil], [2, 1, null]);
    assert.deepEqual([afterFour?.outcomes, afterFour?.failures], [0, 0]);
    const left = (afterFour?.closedUntil?.getTime() ?? 0) - Date.now();
    assert.ok(left > 290_000 && left <= 300_500, `closed for ${left} ms`);
    assert.deepEqual([closed.turn.reply, closed.output.canary?.reason], ['old: five', 'error_budget_cooldown']);
    const logged = await rows(`select 1 from muster.audit_log where action = 'canary.closed'`);
    assert.equal(logged.length, 1);
  });

  it('C008: keeps its outcomes over restarts, counts each once under its key, and decides a trace always alike', async () => {
    const ask = { canary: 'kept', route: 'qa', traceId: 't-1', percent: 50 };
    for (let index = 0; index < 50; index += 1) {
      const outcome = { canary: 'kept', failure: index < 11 ? 'tool_loop_failed' : null, key: `k${index}` };
      await client.operations.canaries.record(outcome);
      if (index === 30) await client.operations.canaries.record(outcome);
    }
    const other = await muster.connect();

    const first = await client.operations.canaries.decide({ ...ask, percent: 100 });
    const again = await other.operations.canaries.decide({ ...ask, percent: 100 });
    const elsewhere = await muster.connect({ tenant: 'elsewhere' });
    const theirs = await elsewhere.operations.canaries.decide({ ...ask, percent: 100 });

    assert.deepEqual(first, again);
    assert.equal(first.reason, 'error_budget_cooldown');
    assert.equal(theirs.reason, 'allowed');
  });
});
