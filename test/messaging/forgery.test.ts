import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
import type { LeaseId, MessageId } from '../../domain/ids.ts';
import type { Envelope, SignedEnvelope } from '../../domain/messaging/envelope.ts';
import { MessageRepository } from '../../entities/messaging/message-repository.ts';
import { sendMessages } from '../../entities/messaging/send-messages.ts';
import { createSigningKey } from '../../messaging/signatures.ts';
import { eventually } from '../support/eventually.ts';
import { numbered, PostOffice, type Talker, TENANT } from './post-office.ts';

/** What somebody who got into the database does, and to which message; the ids of all that must be refused. */
type Attack = (parts: { office: PostOffice; ann: Talker; mallory: Talker }) => Promise<string>;

describe('a message that is not what its sender signed', () => {
  let office: PostOffice;
  let ann: Talker;
  let mallory: Talker;
  let bob: Talker;
  const handled: string[] = [];

  before(async () => {
    office = await PostOffice.open('forgery');
    ann = await office.talker(['ann']);
    mallory = await office.talker(['mallory']);
    bob = await office.talker(['bob', 'eve']);
    await bob.receive({ bob: ({ id }) => void handled.push(id), eve: ({ id }) => void handled.push(id) });
  });
  after(() => office?.close());

  /** As the ordinary sender makes it, up to the signature. */
  const envelope = (from: Talker, as: string, change: Partial<Envelope> = {}): SignedEnvelope => {
    const content = {
      id: uuid() as MessageId,
      tenant: TENANT,
      from: from.presence.ids.get(as) ?? null,
      to: bob.presence.ids.get('bob') ?? null,
      type: 'command' as const,
      payload: numbered(1),
      priority: 3,
      requiresResponse: false,
      correlationId: null,
      expiresAt: null,
      causeId: null,
      broadcastId: null,
      traceId: null,
    };
    return { ...from.identity.sign({ ...content }), ...change };
  };
  /** Stores whatever is given, under whichever lease is open. */
  const plant = async (message: SignedEnvelope): Promise<string> => {
    const lease = ann.presence.lease?.id as LeaseId;
    await office.database.inTenant(TENANT, ({ em }) =>
      sendMessages(em, [{ envelope: message }], { leaseId: lease, maxHops: 0 }),
    );
    return message.id;
  };
  const alter = async (id: string, change: string) => {
    await office.sql(`update muster.agent_messages set ${change} where id = $1`, [id]);
    return id;
  };
  /** One that cannot be taken before it is altered: it is stored with a late `available_at` in one statement. */
  const held = async (): Promise<string> => {
    await ann.identity.ready();
    const message = envelope(ann, 'ann');
    await office.sql(
      "alter table muster.agent_messages alter column available_at set default now() + interval '1 hour'",
    );
    await plant(message);
    await office.sql('alter table muster.agent_messages alter column available_at set default now()');
    return message.id;
  };
  const released = (change: string) => `${change}, available_at = now()`;
  const processed = async (): Promise<string> => {
    const { id } = await ann.sender.send(ann.as('ann'), { to: 'bob', payload: numbered(2) });
    await eventually(async () => (await office.messages({ id, status: 'processed' })).length === 1);
    return id;
  };

  const attacks: Readonly<Record<string, Attack>> = {
    'has no signature': async () => plant({ ...envelope(ann, 'ann'), signature: '' }),
    'is signed with another key under the sender’s lease': async () => {
      const { signature: _, ...honest } = envelope(ann, 'ann');
      return plant(createSigningKey().sign(honest));
    },
    'is signed by another process in the name of the sender': async () => {
      await mallory.identity.ready();
      const { signature: _, ...own } = envelope(mallory, 'mallory');
      return plant(mallory.key.sign({ ...own, from: ann.presence.ids.get('ann') ?? null }));
    },
    'names a lease that nobody holds': async () => {
      const { signature: _, ...honest } = envelope(ann, 'ann');
      return plant(ann.key.sign({ ...honest, leaseId: uuid() as LeaseId }));
    },
    'was altered in its payload': async () => alter(await held(), released(`payload = '{"n": 99}'`)),
    'was altered in its priority': async () => alter(await held(), released('priority = 1')),
    'was altered in its time, to be handled before others': async () =>
      alter(await held(), released(`"timestamp" = "timestamp" - interval '1 second'`)),
    'was altered in its number': async () => alter(await held(), released('seq = seq + 1000')),
    'was made to live longer': async () => alter(await held(), released(`expires_at = now() + interval '9 days'`)),
    'was turned to another recipient': async () => {
      const eve = bob.presence.ids.get('eve');
      return alter(await held(), released(`to_agent_id = '${eve}'`));
    },
    'was handled before and is put back': async () => alter(await processed(), `status = 'pending', attempts = 0`),
    'was handled before and is put back as if it were new': async () =>
      alter(await processed(), `status = 'pending', attempts = 0, processed_at = null, result = null, fence = 0`),
    'was handled before and is stored again under another id': async () => {
      const id = uuid();
      const first = await processed();
      await office.sql(
        `insert into muster.agent_messages ("timestamp", id, tenant_id, from_agent_id, to_agent_id, message_type, payload,
          priority, lease_id, seq, signature)
        select "timestamp", $2, tenant_id, from_agent_id, to_agent_id, message_type, payload, priority, lease_id,
          seq + 5000, signature from muster.agent_messages where id = $1`,
        [first, id],
      );
      return id;
    },
    'was sent after the lease of its sender had ended': async () => {
      const lost = await office.talker(['lost']);
      await lost.identity.ready();
      const late = envelope(lost, 'lost');
      await office.sql(
        `update muster.agent_leases set ended_at = $2::timestamptz - interval '1 millisecond', end_reason = 'silent'
        where id = $1`,
        [late.leaseId, late.timestamp],
      );
      return plant(late);
    },
    'is dated back before its lease began': async () => {
      const { signature: _, ...honest } = envelope(ann, 'ann');
      return plant(ann.key.sign({ ...honest, timestamp: '2020-01-01T00:00:00.000000Z' }));
    },
  };

  for (const [what, attack] of Object.entries(attacks)) {
    it(`S17: is refused and audited, never handled: one that ${what}`, async () => {
      await ann.identity.ready();
      const before = handled.length;
      const id = await attack({ office, ann, mallory });
      const counted = handled.filter((one) => one === id).length;

      await eventually(
        async () => {
          const [row] = await office.messages({ id });
          assert.match(row?.deadReason ?? `${row?.status}`, /^refused: /);
        },
        { what: 'the refusal' },
      );
      // An honest one that comes later is handled: the mailbox has gone on past the bad one.
      const { id: honest } = await ann.sender.send(ann.as('ann'), { to: 'bob', payload: numbered(3) });
      await eventually(() => handled.includes(honest));

      assert.equal(handled.filter((one) => one === id).length, counted);
      assert.ok(handled.length > before);
      const audited = await office.sql<{ action: string }>(
        `select action from muster.audit_log where subject_id = $1 and action = 'message.refused'`,
        [id],
      );
      assert.equal(audited.length, 1);
    });
  }

  it('S17: counts what it refused, and redrives none of it', async () => {
    const refused = await office.messages({ status: 'dead' });
    const [first] = refused;

    assert.equal(bob.counts.refused, refused.length);
    assert.ok(refused.length >= Object.keys(attacks).length);
    const redriven = await office.database.inTenant(TENANT, ({ em }) =>
      new MessageRepository(em).redrive(first?.id as MessageId, 'test'),
    );
    assert.equal(redriven.outcome, 'refused');
  });

  it('S17: is not taken for an answer', async () => {
    const asked = ann.sender.request(ann.as('ann'), { to: 'mallory', payload: {} }, { timeoutMs: 1_500 });
    asked.catch(() => undefined);
    const request = await eventually(async () => {
      const [found] = await office.messages({ agent: 'mallory', type: 'query' });
      assert.ok(found);
      return found;
    });
    const forged = bob.identity.sign({
      id: uuid() as MessageId,
      tenant: TENANT,
      from: bob.presence.ids.get('bob') ?? null,
      to: ann.presence.ids.get('ann') ?? null,
      type: 'response',
      payload: { value: 'I am mallory' },
      priority: 3,
      requiresResponse: false,
      correlationId: request.correlationId,
      expiresAt: null,
      causeId: null,
      broadcastId: null,
      traceId: null,
    });
    await plant(forged);

    await assert.rejects(asked, { code: 'request_timed_out' });
    const [answer] = await office.messages({ id: forged.id });
    assert.match(answer?.deadReason ?? '', /^refused: it answers what its sender was not asked/);
  });

  it('S17: cannot be sent any more by a process that has lost its lease', async () => {
    const stale = await office.talker(['stale']);
    await stale.sender.send(stale.as('stale'), { to: 'bob', payload: numbered(1) });
    const lease = stale.presence.lease?.id ?? '';
    await office.sql(`update muster.agent_leases set ended_at = now(), end_reason = 'silent' where id = $1`, [lease]);
    const rows = (await office.messages({ agent: 'stale' })).length;

    const sending = stale.sender.send(stale.as('stale'), { to: 'bob', payload: numbered(2) });

    await assert.rejects(sending, { code: 'lease_lost' });
    assert.equal((await office.messages({ agent: 'stale' })).length, rows);
    const audited = await office.sql(`select 1 from muster.audit_log where subject_id = $1`, [lease]);
    assert.equal(audited.length, 1);
    await stale.presence.beat();
    const { duplicate } = await stale.sender.send(stale.as('stale'), { to: 'bob', payload: numbered(3) });
    assert.equal(duplicate, false);
  });
});
