import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineTurn } from '../../index.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { query } from '../support/query.ts';

const brief = z.looseObject({ text: z.string(), notes: z.string().nullable() });

/** Says its name, or hands over to the route that a text names behind its own: `talk>orders`. */
const saying = (name: string) =>
  defineAgent({
    ...{ name: `selected-${name}`, description: `The ${name}.`, input: brief, output: z.unknown() },
    handle: ({ text, notes }) => {
      const [, to] = new RegExp(`\\b${name}>(\\w+)`).exec(text) ?? [];
      return to === undefined
        ? { reply: `${name}${notes === null ? '' : ` (${notes})`}` }
        : { handoff: to, reason: 'it knows' };
    },
  });

const routes = { talk: saying('talk'), orders: saying('orders'), stores: saying('stores') };
/** Routes by the first word, where it is a route. */
const router = defineAgent({
  ...{ name: 'selecting-router', input: z.looseObject({ text: z.string() }), output: z.unknown() },
  handle: ({ text }) => {
    const [route = ''] = text.split(/\W/);
    return Object.hasOwn(routes, route) ? { route, confidence: 0.8, reason: 'it was named' } : { candidates: {} };
  },
});
const selecting = defineTurn({ name: 'selecting', routes, router, selection: true });

interface TurnOutput {
  readonly router: {
    readonly reason: string;
    readonly scores: readonly { readonly name: string; readonly score: number }[];
    readonly handoffs: readonly unknown[];
  };
}

describe('a turn that selects its route', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('selection');
    await muster.work({ graphs: [selecting] });
  });
  after(() => muster?.close());

  /** Says these things one after the other in a conversation of their own, and returns the last turn. */
  async function lastOf(name: string, ...texts: readonly string[]) {
    const conversation = muster.client.conversation(name);
    let turn: Awaited<ReturnType<Awaited<ReturnType<typeof conversation.say>>['answer']>> | null = null;
    for (const text of texts) turn = await (await conversation.say(text, { graph: 'selecting' })).answer();
    assert.ok(turn !== null);
    const { output } = await muster.client.task(turn.taskId ?? '').show();
    return { turn, output: output as unknown as TurnOutput };
  }

  it('C081: stays with the agent that answered, moves away on a complaint, and says by which scores', async () => {
    const followed = await lastOf('follow-up', 'orders please', 'and now?');
    const complained = await lastOf('follow-up', "That's wrong.");
    const later = await lastOf('follow-up', 'and now?');

    const { scores, reason } = followed.output.router;
    assert.equal(followed.turn.reply, 'orders');
    assert.deepEqual(
      scores.map(({ name, score }) => [name, score]),
      [
        ['orders', 0.8],
        ['talk', 0.65],
        ['stores', 0.65],
      ],
    );
    assert.equal(reason, 'it answered before (0.8)');
    assert.equal(complained.turn.reply, 'talk');
    assert.equal(later.turn.reply, 'talk');
  });

  it('C081: keeps how it selected with its trace', async () => {
    const { turn, output } = await lastOf('traced', 'stores please');

    const [trace] = await query<{ router: unknown }>(
      muster,
      'select router_json as router from muster.agent_traces where task_id = $1',
      [turn.taskId],
    );
    assert.deepEqual(trace?.router, output.router);
  });

  it('is handed to another route, which is told why', async () => {
    const { turn, output } = await lastOf('handed', 'talk>orders orders>stores talk');

    assert.equal(turn.reply, 'stores (orders handed this to you: it knows)');
    assert.deepEqual(output.router.handoffs, [
      { from: 'talk', to: 'orders', reason: 'it knows' },
      { from: 'orders', to: 'stores', reason: 'it knows' },
    ]);
    const next = await lastOf('handed', 'and now?');
    assert.equal(next.turn.reply, 'stores');
  });

  it('is stopped where it is handed round, and names the chain', async () => {
    const { turn } = await lastOf('round', 'talk>orders orders>talk');

    assert.equal(turn.state, 'failed');
    assert.equal(turn.error?.code, 'handoff_cycle');
    assert.match(
      turn.error?.message ?? '',
      /talk → orders → talk\. talk to orders: it knows; orders to talk: it knows\./,
    );
  });

  it('fails where it is handed to a route that is not there', async () => {
    const { turn } = await lastOf('unknown', 'talk>nobody');

    assert.equal(turn.error?.code, 'handoff_unknown');
  });
});
