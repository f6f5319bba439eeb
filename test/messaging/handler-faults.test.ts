import assert from 'node:assert/strict';
import type { Json } from '../../domain/json.ts';
import { eventually } from '../support/eventually.ts';
import { PostOffice } from './post-office.ts';

const raise = (thrown: unknown): never => {
  throw thrown;
};

/** How an agent ends its handling, and what the message's row says of it. */
const ENDS: Readonly<Record<string, readonly [end: () => unknown, reason: RegExp]>> = {
  fence: [() => raise(Object.assign(new Error('mine'), { code: 'stale_fence' })), /^handler_failed: mine$/],
  limit: [() => raise({ code: 'rate_limited', retryAfterMs: Number.NaN }), /^handler_failed: An object was thrown: /],
  nothing: [() => raise(undefined), /^handler_failed: The value undefined was thrown\.$/],
  map: [() => new Map(), /^handler_output_invalid: .* a Map is not JSON\.$/],
  big: [() => ({ rows: [1n] }), /^handler_output_invalid: .* a BigInt at \/rows\/0 is not JSON\.$/],
};

describe('an agent that handles messages', () => {
  let office: PostOffice;

  before(async () => {
    office = await PostOffice.open('handler-faults');
  });
  after(() => office?.close());

  it('is told as the cause of whatever it throws or answers, with a sentence', async () => {
    const ann = await office.talker(['ann', 'odd']);
    const sent: [how: string, id: string][] = [];
    for (const how of Object.keys(ENDS)) {
      const { id } = await ann.sender.send(ann.as('ann'), { to: 'odd', payload: { how } });
      sent.push([how, id]);
    }
    // One more failed delivery, and a message is dead.
    await office.sql('update muster.agent_messages set attempts = 4');

    await ann.receive({ odd: ({ payload }) => ENDS[String(payload.how)]?.[0]() as Json });

    for (const [how, id] of sent) {
      const reason = await eventually(async () => {
        const [message] = await office.messages({ id });
        assert.ok(typeof message?.deadReason === 'string');
        return message.deadReason;
      });
      assert.match(reason, ENDS[how]?.[1] ?? /^$/);
    }
  });

  it('is refused a payload that is no JSON, with the place', async () => {
    const bob = await office.talker(['bob']);
    const payload = { rows: [{ seen: new Set() }] } as never;

    await assert.rejects(bob.sender.send(bob.as('bob'), { to: 'bob', payload }), {
      code: 'message_invalid',
      message: /a Set at \/rows\/0\/seen is not JSON\./,
    });
  });
});
