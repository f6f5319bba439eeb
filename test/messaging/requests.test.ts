import assert from 'node:assert/strict';
import type { Receive } from '../../domain/messaging/received-message.ts';
import { eventually } from '../support/eventually.ts';
import { numbered, PostOffice, type Talker } from './post-office.ts';

describe('requests between agents', () => {
  let office: PostOffice;
  let ann: Talker;

  before(async () => {
    office = await PostOffice.open('requests');
    ann = await office.talker(['ann']);
  });
  after(() => office?.close());

  const ask = (to: string, n: number, timeoutMs = 10_000) =>
    ann.sender.request(ann.as('ann'), { to, payload: numbered(n) }, { timeoutMs });

  it('C023: get each its own reply when many are under way at once', async () => {
    const echoes = ['east', 'west', 'south'];
    for (const name of echoes) {
      const talker = await office.talker([name]);
      await talker.receive({ [name]: ({ payload }) => `${name} ${payload.n}` });
    }

    const asked = Array.from({ length: 60 }, (_, n) => ({ to: echoes[n % 3] ?? '', n }));
    const answers = await Promise.all(asked.map(({ to, n }) => ask(to, n)));

    assert.deepEqual(
      answers,
      asked.map(({ to, n }) => `${to} ${n}`),
    );
  });

  it('C023: end with an error when the agent is silent, which then never sees them', async () => {
    const silent = await office.talker(['silent']);

    const error = await ask('silent', 1, 300).catch((thrown: unknown) => thrown);

    assert.equal((error as { code: string }).code, 'request_timed_out');
    assert.match(String(error), /"silent" did not answer .* within 300 ms/);
    const seen: number[] = [];
    await silent.receive({ silent: ({ payload }) => void seen.push(Number(payload.n)) });
    await ask('silent', 2).then(() => assert.deepEqual(seen, [2]));
  });

  it('C023: are answered to a program that is no agent, too', async () => {
    const echo = await office.talker(['echo']);
    await echo.receive({ echo: ({ payload, from }) => ({ n: payload.n ?? null, from }) });

    const answer = await ann.sender.request(ann.as(), { to: 'echo', payload: numbered(5) });

    assert.deepEqual(answer, { n: 5, from: null });
  });

  it('end with the reason when the agent cannot handle them', async () => {
    const error = Object.assign(new Error('no such book'), { code: 'x' });
    const lib = await office.talker(['library']);
    await lib.receive({
      library: () => {
        throw error;
      },
    });
    const asked = ask('library', 1).catch((thrown: unknown) => thrown);
    await eventually(async () => {
      await office.sql('update muster.agent_messages set available_at = now() where available_at > now()');
      assert.equal((await office.messages({ agent: 'library', status: 'dead' })).length, 1);
    });

    const failure = (await asked) as { code: string; message: string };

    assert.equal(failure.code, 'request_failed');
    assert.match(failure.message, /no such book/);
  });

  it('find their answer again under the same id, from another process and without being handled twice', async () => {
    let handled = 0;
    const oracle = await office.talker(['oracle']);
    await oracle.receive({ oracle: () => ({ handled: ++handled }) });
    const id = '22222222-2222-4222-8222-222222222222';
    const draft = { to: 'oracle', payload: numbered(1), id };
    const first = await ann.sender.request(ann.as('ann'), draft);

    const restarted = await office.talker(['ann']);
    const second = await restarted.sender.request(restarted.as('ann'), draft);

    assert.deepEqual([first, second], [{ handled: 1 }, { handled: 1 }]);
  });

  it('are asked again when an earlier one under the id expired without an answer', async () => {
    const sleeper = await office.talker(['sleeper']);
    const draft = { to: 'sleeper', payload: {}, id: '33333333-3333-4333-8333-333333333333' };
    await assert.rejects(ann.sender.request(ann.as('ann'), draft, { timeoutMs: 50 }), { code: 'request_timed_out' });

    await sleeper.receive({ sleeper: () => 'awake' });

    assert.equal(await ann.sender.request(ann.as('ann'), draft), 'awake');
  });

  it('refuse the one that closes a circle of agents which wait for each other, and name it', async () => {
    const refusals: string[] = [];
    const asks =
      (to: string): Receive =>
      async (_message, { messages }) => {
        try {
          return await messages.request('next', to, {});
        } catch (error) {
          refusals.push(String(error));
          return 'refused';
        }
      };
    const [alpha, beta, gamma] = [
      await office.talker(['alpha']),
      await office.talker(['beta']),
      await office.talker(['gamma']),
    ];
    await alpha.receive({ alpha: asks('beta') });
    await beta.receive({ beta: asks('gamma') });
    await gamma.receive({ gamma: asks('alpha') });

    assert.equal(await ask('alpha', 1), 'refused');

    assert.equal(refusals.length, 1);
    assert.match(refusals[0] ?? '', /gamma → alpha → beta → gamma/);
  });

  it('refuse an agent that asks itself, and let two that ask each other from outside their mailboxes', async () => {
    const self = await office.talker(['self']);
    await self.receive({ self: (_message, { messages }) => messages.request('again', 'self', {}) });
    await assert.rejects(ask('self', 1), /self → self/);

    const [left, right] = [await office.talker(['left']), await office.talker(['right'])];
    await left.receive({ left: () => 'left' });
    await right.receive({ right: (_message, { messages }) => messages.request('back', 'left', {}) });
    const crossing = left.sender.request(left.as('left'), { to: 'ann', payload: {} }, { timeoutMs: 500 });
    crossing.catch(() => undefined);

    assert.equal(await ask('right', 1), 'left');
    await assert.rejects(crossing, { code: 'request_timed_out' });
  });

  it('refuse one of two that close a circle at the same moment, so that neither waits in vain', async () => {
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const meets =
      (to: string): Receive =>
      async (message, { messages }) => {
        if (message.from !== 'ann') return 'never reached';
        begun += 1;
        if (begun === 2) both.resolve();
        await both.promise;
        return messages.request('meet', to, {}).catch((error: { code: string }) => error.code);
      };
    const [day, night] = [await office.talker(['day']), await office.talker(['night'])];
    await day.receive({ day: meets('night') });
    await night.receive({ night: meets('day') });

    const ends = await Promise.all([ask('day', 1), ask('night', 1)]);

    assert.deepEqual(ends.sort(), ['agents_wait_in_circle', 'never reached']);
  });

  it('send the same message once when the handler that sends it runs again', async () => {
    const [sender, target] = [await office.talker(['retrier']), await office.talker(['target'])];
    const seen: unknown[] = [];
    await target.receive({ target: ({ payload }) => void seen.push(payload.n) });
    await sender.receive({
      retrier: async ({ delivery }, { messages }) => {
        await messages.send('tell', 'target', numbered(9));
        if (delivery === 1) throw new Error('died after sending');
        return delivery;
      },
    });

    assert.equal(await ask('retrier', 1), 2);

    await eventually(async () =>
      assert.equal((await office.messages({ agent: 'target', status: 'processed' })).length, 1),
    );
    assert.deepEqual(seen, [9]);
  });

  it('that nobody can handle any more are buried and answered by a process whose lease stands, and by no other', async () => {
    const ended = await office.talker(['ended']);
    await ended.identity.ready();
    const asked = ask('ended', 1);
    asked.catch(() => undefined);
    const { id } = await eventually(async () => {
      const [found] = await office.messages({ agent: 'ended' });
      assert.ok(found);
      return found;
    });
    await office.sql(
      `update muster.agent_messages set status = 'leased', attempts = 5, leased_until = now() where id = $1`,
      [id],
    );
    await office.sql(`update muster.agent_leases set ended_at = now(), end_reason = 'silent' where id = $1`, [
      ended.presence.lease?.id,
    ]);

    await ended.receive({ ended: () => 'never called' });
    await eventually(() => ended.identity.leaseId === null);
    assert.equal((await office.messages({ id }))[0]?.status, 'leased');
    await ended.presence.beat();

    await assert.rejects(asked, { code: 'request_failed' });
  });

  it('leave what asks for no answer to a process whose lease stands, too', async () => {
    const ended = await office.talker(['ended-too']);
    await ended.identity.ready();
    const { id } = await ann.sender.send(ann.as('ann'), { to: 'ended-too', payload: numbered(1) }, {});
    await office.sql(
      `update muster.agent_messages set status = 'leased', attempts = 5, leased_until = now() where id = $1`,
      [id],
    );
    await office.sql(`update muster.agent_leases set ended_at = now(), end_reason = 'silent' where id = $1`, [
      ended.presence.lease?.id,
    ]);
    const status = async () => (await office.messages({ id }))[0]?.status;

    await ended.receive({ 'ended-too': () => 'never called' });
    await eventually(() => ended.identity.leaseId === null);
    assert.deepEqual([await status(), ended.counts.dead], ['leased', 0]);
    await ended.presence.beat();

    await eventually(async () => (await status()) === 'dead');
  });

  it('are answered right after the machine slept, while its monotonic clock stood still', async () => {
    const echo = await office.talker(['early-bird']);
    await echo.receive({ 'early-bird': ({ payload }) => payload });
    await ask('early-bird', 1);

    const [answer, now] = await withClocks({ monotonicMs: -3_600_000, hostMs: 0 }, async () => [
      await ask('early-bird', 2),
      ann.identity.now(),
    ]);

    assert.deepEqual(answer, { n: 2 });
    assert.ok(Math.abs(now / 1_000 - Date.now()) < 10_000, `${now / 1_000 - Date.now()} ms apart`);
  });

  it('go by the time of the last beat where every clock of the machine stood still', async () => {
    await ann.identity.ready();

    const now = await withClocks({ monotonicMs: -3_600_000, hostMs: -3_600_000 }, async () => {
      await ann.presence.beat();
      return ann.identity.now();
    });

    assert.ok(Math.abs(now / 1_000 - Date.now()) < 10_000, `${now / 1_000 - Date.now()} ms apart`);
  });
});

/** Runs work while the clocks of this process are behind by so much. */
async function withClocks<Result>(
  { monotonicMs, hostMs }: { monotonicMs: number; hostMs: number },
  work: () => Promise<Result>,
): Promise<Result> {
  const monotonic = performance.now.bind(performance);
  const host = Date.now.bind(Date);
  performance.now = () => monotonic() + monotonicMs;
  Date.now = () => host() + hostMs;
  try {
    return await work();
  } finally {
    performance.now = monotonic;
    Date.now = host;
  }
}
