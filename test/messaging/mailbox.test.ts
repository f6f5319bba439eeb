import assert from 'node:assert/strict';
import { MusterError } from '../../domain/errors.ts';
import type { AgentId, LeaseId, MessageId } from '../../domain/ids.ts';
import { claimMessages } from '../../entities/messaging/claim-messages.ts';
import { MessageRepository } from '../../entities/messaging/message-repository.ts';
import { eventually } from '../support/eventually.ts';
import { numbered, PostOffice, type Talker, TENANT } from './post-office.ts';

class Hopeless extends MusterError {
  readonly code = 'handler_failed';
}

describe('a mailbox', () => {
  let office: PostOffice;
  let ann: Talker;

  before(async () => {
    office = await PostOffice.open('mailbox');
    ann = await office.talker(['ann']);
  });
  after(() => office?.close());

  const send = (to: string, n: number, priority: 1 | 2 | 3 | 4 = 3) =>
    ann.sender.send(ann.as('ann'), { to, payload: numbered(n) }, { priority });
  const statusOf = async (id: string) => (await office.messages({ id }))[0];
  const until = (id: string, status: string, withinMs = 10_000) =>
    eventually(async () => assert.equal((await statusOf(id))?.status, status), { withinMs, what: `${status} message` });

  it('hands a message to its agent and keeps what the agent returned', async () => {
    const bob = await office.talker(['bob']);
    await bob.receive({ bob: ({ payload, from, delivery }) => ({ got: payload.n ?? 0, from, delivery }) });

    const { id } = await send('bob', 7);

    await until(id, 'processed');
    assert.deepEqual((await statusOf(id))?.result, { got: 7, from: 'ann', delivery: 1 });
  });

  it('C021: keeps messages for an agent that is unavailable, and hands them out by priority, then by time', async () => {
    const away = await office.talker(['away']);
    await away.close();
    const sent: [number, 1 | 2 | 3 | 4][] = [
      [1, 4],
      [2, 3],
      [3, 1],
      [4, 3],
      [5, 2],
      [6, 1],
      [7, 4],
    ];
    for (const [n, priority] of sent) await send('away', n, priority);

    const seen: number[] = [];
    const back = await office.talker(['away']);
    await back.receive({ away: ({ payload }) => void seen.push(Number(payload.n)) });

    await eventually(async () => {
      const messages = await office.messages({ agent: 'away' });
      assert.ok(messages.every((message) => message.status === 'processed'));
    });
    assert.deepEqual(seen, [3, 6, 5, 2, 4, 1, 7]);
  });

  it('stores a message once however often it is sent under one id', async () => {
    const draft = { to: 'bob', payload: numbered(1), id: '11111111-1111-4111-8111-111111111111' };

    const first = await ann.sender.send(ann.as('ann'), draft);
    const again = await Promise.all([1, 2, 3].map(() => ann.sender.send(ann.as('ann'), draft)));

    assert.equal(first.duplicate, false);
    assert.deepEqual(
      again.map((sent) => sent.duplicate),
      [true, true, true],
    );
    assert.equal((await office.messages({ id: draft.id })).length, 1);
    const other = { ...draft, payload: numbered(2) };
    await assert.rejects(ann.sender.send(ann.as('ann'), other), { code: 'message_invalid' });
  });

  it('delivers again after a failure, with a pause, and keeps later messages of the same sender back', async () => {
    const handled: string[] = [];
    const carl = await office.talker(['carl']);
    await carl.receive({
      carl: ({ payload, delivery }) => {
        handled.push(`${payload.n}/${delivery}`);
        if (payload.n === 1 && delivery === 1) throw new Error('not now');
      },
    });

    const first = await send('carl', 1);
    const second = await send('carl', 2);

    await until(second.id, 'processed');
    assert.deepEqual(handled, ['1/1', '1/2', '2/1']);
    assert.equal((await statusOf(first.id))?.status, 'processed');
    assert.equal(carl.counts.redelivered, 1);
  });

  it('buries a message whose handler says that repeating cannot help, with the reason, and revives it on request', async () => {
    let repaired = false;
    const dora = await office.talker(['dora']);
    await dora.receive({
      dora: () => {
        if (!repaired) throw new Hopeless('the cupboard is bare');
        return 'done';
      },
    });

    const { id } = await send('dora', 1);

    await until(id, 'dead');
    assert.equal((await statusOf(id))?.deadReason, 'handler_failed: the cupboard is bare');
    repaired = true;
    assert.equal(await redrive(id), 'redriven');
    await until(id, 'processed');
    assert.equal(await redrive(id), 'not_dead');
    const audited = await office.sql<{ action: string }>('select action from muster.audit_log where subject_id = $1', [
      id,
    ]);
    assert.deepEqual(audited, [{ action: 'message.redriven' }]);
  });

  it('buries a message after its fifth delivery', async () => {
    const emil = await office.talker(['emil']);
    let deliveries = 0;
    await emil.receive({
      emil: () => {
        deliveries += 1;
        throw new Error('never');
      },
    });
    const { id } = await send('emil', 1);

    await eventually(async () => {
      await office.sql(`update muster.agent_messages set available_at = now() where id = $1`, [id]);
      assert.equal((await statusOf(id))?.status, 'dead');
    });

    assert.equal(deliveries, 5);
    assert.match((await statusOf(id))?.deadReason ?? '', /never/);
  });

  it('buries a message whose deliveries ended with their processes, and tells who asked', async () => {
    const fatal = await office.talker(['fatal']);
    const asked = ann.sender.request(ann.as('ann'), { to: 'fatal', payload: {} });
    asked.catch(() => undefined);
    const [message] = await eventually(async () => {
      const found = await office.messages({ agent: 'fatal' });
      assert.equal(found.length, 1);
      return found;
    });
    await office.sql(
      `update muster.agent_messages set status = 'leased', attempts = 5, leased_until = now() where id = $1`,
      [message?.id],
    );

    await fatal.receive({ fatal: () => 'never called' });

    await assert.rejects(asked, { code: 'request_failed' });
    assert.match((await statusOf(message?.id ?? ''))?.deadReason ?? '', /^lost: each of its deliveries/);
  });

  it('finds the messages of others behind a long row of those that wait for a failed one', async () => {
    const crowd = await office.talker(['crowd']);
    await Promise.all(Array.from({ length: 300 }, (_, n) => send('crowd', n)));
    const [first] = (await office.messages({ agent: 'crowd' })).slice(-1);
    await office.sql(`update muster.agent_messages set available_at = now() + interval '1 hour' where id = $1`, [
      first?.id,
    ]);
    const other = await office.talker(['other']);
    const seen: unknown[] = [];

    await crowd.receive({ crowd: ({ from }) => void seen.push(from) });
    await other.sender.send(other.as('other'), { to: 'crowd', payload: {} });

    await eventually(() => seen.length > 0);
    assert.deepEqual(seen, ['other']);
  });

  it('gives nothing to a process whose lease has ended', async () => {
    const ghost = await office.talker(['ghost']);
    const { id } = await send('ghost', 1);
    const leaseId = ghost.presence.lease?.id as LeaseId;
    const quotas = [{ agentId: ghost.presence.ids.get('ghost') as AgentId, quota: 1 }];
    const claim = () =>
      office.database.inTenant(TENANT, ({ em }) =>
        claimMessages(em, { quotas, owner: 'ghost', leaseId, leaseMs: 60_000 }),
      );
    await office.sql(`update muster.agent_leases set ended_at = now(), end_reason = 'silent' where id = $1`, [leaseId]);

    const taken = await claim();

    assert.deepEqual(taken.messages, []);
    await office.sql('update muster.agent_leases set ended_at = null, end_reason = null where id = $1', [leaseId]);
    assert.deepEqual(
      (await claim()).messages.map((message) => message.id),
      [id],
    );
  });

  it('aborts the handling of a request for whose answer nobody waits any more', async () => {
    const slow = await office.talker(['slow']);
    const aborted = Promise.withResolvers<void>();
    await slow.receive({
      slow: (_message, { signal }) =>
        new Promise<void>(() => {
          signal.addEventListener('abort', () => aborted.resolve());
        }),
    });

    const asked = ann.sender.request(ann.as('ann'), { to: 'slow', payload: {} }, { timeoutMs: 400 });

    await assert.rejects(asked, { code: 'request_timed_out' });
    await aborted.promise;
  });

  it('buries a message that has expired, unread, and leaves it so', async () => {
    const away = await office.talker(['late']);
    const { id } = await ann.sender.send(ann.as('ann'), { to: 'late', payload: {} }, { expiresInMs: 1 });
    const handled: string[] = [];

    await away.receive({ late: (message) => void handled.push(message.id) });

    await until(id, 'dead');
    assert.equal((await statusOf(id))?.deadReason, 'expired');
    assert.deepEqual(handled, []);
    assert.equal(await redrive(id), 'expired');
  });

  it('refuses what cannot be sent, and writes nothing', async () => {
    const before = (await office.messages()).length;
    const from = ann.as('ann');

    await assert.rejects(ann.sender.send(from, { to: 'nobody', payload: {} }), { code: 'agent_unknown' });
    const large = { text: 'x'.repeat(65_536) };
    await assert.rejects(ann.sender.send(from, { to: 'bob', payload: large }), /65547 bytes and may have 65536/);
    await assert.rejects(ann.sender.send(from, { to: 'bob', payload: { a: 'a\u0000' } }), { code: 'message_invalid' });
    await assert.rejects(ann.sender.send(from, { to: 'bob', payload: {}, id: 'mine' }), { code: 'message_invalid' });

    assert.equal((await office.messages()).length, before);
  });

  it('answers a query of kind status by itself, even while its agent is busy', async () => {
    const release = Promise.withResolvers<void>();
    const busy = await office.talker(['busy']);
    await busy.receive({ busy: () => release.promise });
    await send('busy', 1);
    await eventually(async () => (await office.messages({ agent: 'busy', status: 'leased' })).length === 1);

    const answer = await ann.sender.request(ann.as('ann'), { to: 'busy', payload: { kind: 'status' } });
    release.resolve();

    const { agent, status, waiting } = answer as Record<string, unknown>;
    assert.deepEqual({ agent, status, waiting }, { agent: 'busy', status: 'alive', waiting: 2 });
  });

  it('gives back what it has not begun when it stops, and ends what it has', async () => {
    const release = Promise.withResolvers<void>();
    const begun: number[] = [];
    const flo = await office.talker(['flo']);
    const mailboxes = await flo.receive({
      flo: async ({ payload }) => {
        begun.push(Number(payload.n));
        await release.promise;
      },
    });
    for (const n of [1, 2, 3]) await send('flo', n);
    await eventually(() => begun.length === 1);

    const stopped = mailboxes.stop();
    release.resolve();
    await stopped;

    const left = await office.messages({ agent: 'flo' });
    assert.deepEqual(left.map(({ status, attempts }) => [status, attempts]).reverse(), [
      ['processed', 1],
      ['pending', 0],
      ['pending', 0],
    ]);
  });

  const redrive = async (id: string) => {
    const redriven = await office.database.inTenant(TENANT, ({ em }) =>
      new MessageRepository(em).redrive(id as MessageId, 'test'),
    );
    return redriven.outcome;
  };
});
