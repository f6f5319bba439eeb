import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AgentId, LeaseId, MessageId, TenantId } from '../../../domain/ids.ts';
import { type Envelope, parseEnvelope, type SignedEnvelope } from '../../../domain/messaging/envelope.ts';
import { formatMoment, parseMoment, payloadText, signingText } from '../../../domain/messaging/signing-text.ts';

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const MESSAGE: SignedEnvelope = {
  id: uuid(1) as MessageId,
  tenant: 'acme' as TenantId,
  from: uuid(2) as AgentId,
  to: uuid(3) as AgentId,
  timestamp: '2026-11-22T10:00:00.000001Z',
  type: 'command',
  payload: { a: 1 },
  priority: 3,
  requiresResponse: false,
  correlationId: null,
  expiresAt: null,
  leaseId: uuid(4) as LeaseId,
  seq: 1,
  causeId: null,
  broadcastId: null,
  traceId: null,
  signature: 'c2ln',
};

describe('a stored envelope', () => {
  it('is read back as it was signed', () => {
    assert.deepEqual(parseEnvelope(MESSAGE), { ok: true, envelope: MESSAGE });
  });

  it('is refused with every fault at once', () => {
    const damaged = { ...MESSAGE, type: 'order', priority: 0, leaseId: null, seq: 1.5, signature: '', payload: [1] };

    const parsed = parseEnvelope(damaged);

    assert.equal(parsed.ok, false);
    const named = parsed.ok ? [] : parsed.faults.map((fault) => fault.split(' ')[0]);
    assert.deepEqual(named.sort(), ['leaseId', 'payload', 'priority', 'seq', 'signature', 'type']);
  });
});

describe('the text that a sender signs', () => {
  const hash = (message: Envelope) => payloadText(message.payload);
  const textOf = (message: Envelope) => signingText(message, hash(message));
  const text = fc.option(fc.string({ maxLength: 6 }), { nil: null });
  const envelopes = fc.record({
    id: fc.string(),
    tenant: fc.string(),
    from: text,
    to: text,
    timestamp: fc.string(),
    type: fc.constantFrom('command', 'query'),
    payload: fc.dictionary(fc.string(), fc.integer()),
    priority: fc.integer({ min: 1, max: 4 }),
    requiresResponse: fc.boolean(),
    correlationId: text,
    expiresAt: text,
    leaseId: fc.string(),
    seq: fc.integer({ min: 1, max: 9 }),
    causeId: text,
    broadcastId: text,
    traceId: text,
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<Envelope>;

  it('is another one for every other message', () => {
    fc.assert(
      fc.property(envelopes, envelopes, (one, other) => {
        const same = canonical(one) === canonical(other);
        assert.equal(textOf(one) === textOf(other), same);
      }),
    );
  });

  it('changes with every single field', () => {
    fc.assert(
      fc.property(
        envelopes,
        envelopes,
        fc.constantFrom(...(Object.keys(MESSAGE) as (keyof Envelope)[])),
        (one, other, field) => {
          fc.pre(field in one && JSON.stringify(one[field]) !== JSON.stringify(other[field]));
          fc.pre(field !== 'payload' || hash(one) !== hash(other));
          assert.notEqual(textOf(one), textOf({ ...one, [field]: other[field] }));
        },
      ),
    );
  });

  it('tells a missing field from an empty one', () => {
    const empty = { ...MESSAGE, correlationId: '' };

    assert.notEqual(textOf(empty), textOf(MESSAGE));
  });

  it('does not depend on the order of the keys of the payload', () => {
    const [one, other] = [
      { a: 1, b: { c: 2, d: 3 } },
      { b: { d: 3, c: 2 }, a: 1 },
    ];

    assert.equal(textOf({ ...MESSAGE, payload: one }), textOf({ ...MESSAGE, payload: other }));
  });

  const canonical = (message: Envelope) => {
    const fields = Object.keys(MESSAGE).filter((key) => key !== 'payload' && key !== 'signature');
    return JSON.stringify([...fields.map((key) => message[key as keyof Envelope]), payloadText(message.payload)]);
  };
});

describe('a moment of a message', () => {
  const moments = fc.integer({ min: 0, max: 4_000_000_000_000_000 });

  it('is read back to the microsecond', () => {
    fc.assert(fc.property(moments, (at) => assert.equal(parseMoment(formatMoment(at)), at)));
  });

  it('sorts as text like the time that it stands for', () => {
    fc.assert(
      fc.property(moments, moments, (one, other) => {
        assert.equal(formatMoment(one) < formatMoment(other), one < other);
      }),
    );
  });
});
