import assert from 'node:assert/strict';
import { connect, connectAgent, hasErrorCode, type Muster } from '../../index.ts';
import { startWorker } from '../../worker.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const ID = '019ab3c4-5d6e-7f80-9123-456789abcdef';
const circle: Record<string, unknown> = {};
circle.again = circle;
const hostile = {
  get limit() {
    throw new Error('read');
  },
};
/** What no call has a use for, anywhere. */
const JUNK: readonly unknown[] = [
  ...[null, 5, Number.NaN, 12n, true, Symbol('s'), 'a\u0000', '\ud83d', 'x'.repeat(10_000), () => 1],
  ...[[], [null], new Map(), new Date(Number.NaN), { nonsense: 1 }, circle, hostile, Object.create(null)],
];

type Call = (muster: Muster, junk: never) => unknown;

/** Every place of every public call into which something is handed. */
const PLACES: Readonly<Record<string, Call>> = {
  'submit(graph)': (muster, junk) => muster.submit(junk, {}),
  'submit(input)': (muster, junk) => muster.submit('none', junk),
  'submit(options)': (muster, junk) => muster.submit('none', {}, junk),
  'submitMany(graph)': (muster, junk) => muster.submitMany(junk, [{ input: {} }]),
  'submitMany(items)': (muster, junk) => muster.submitMany('none', junk),
  'submitMany(item)': (muster, junk) => muster.submitMany('none', [junk]),
  'task(id)': (muster, junk) => muster.task(junk).read(),
  'events(options)': (muster, junk) => muster.task(ID).events(junk)[Symbol.asyncIterator]().next(),
  'cancel(reason)': (muster, junk) => muster.task(ID).cancel(junk),
  'kill(reason)': (muster, junk) => muster.task(ID).kill(junk),
  'tasks(options)': (muster, junk) => muster.tasks(junk),
  'publish(graphs)': (muster, junk) => muster.publish(junk),
  'publish(graph)': (muster, junk) => muster.publish([junk]),
  'publish(options)': (muster, junk) => muster.publish([], junk),
  'agents(search)': (muster, junk) => muster.agents(junk),
  'queue(options)': (muster, junk) => muster.queue(junk),
  'pause(target)': (muster, junk) => muster.pause(junk),
  'resume(target)': (muster, junk) => muster.resume(junk),
  'setLimit(key)': (muster, junk) => muster.setLimit(junk, 1),
  'setLimit(limit)': (muster, junk) => muster.setLimit('graph:none', junk),
  'setLimit(options)': (muster, junk) => muster.setLimit('graph:none', 1, junk),
  'setWeight(tenant)': (muster, junk) => muster.setWeight(junk, 1),
  'setWeight(weight)': (muster, junk) => muster.setWeight('acme', junk),
  'dead(options)': (muster, junk) => muster.dead(junk),
  'redrive(target)': (muster, junk) => muster.redrive(junk),
  'redrive(options)': (muster, junk) => muster.redrive([], junk),
  'limits.take(call)': (muster, junk) => muster.limits.take(junk),
  'limits.check(user)': (muster, junk) => muster.limits.check({ user: junk }),
  'limits.reserve(options)': (muster, junk) => muster.limits.reserve({}, junk),
  'limits.status(call)': (muster, junk) => muster.limits.status(junk),
  'limits.reset(call)': (muster, junk) => muster.limits.reset(junk),
  'limits.settle(reservation)': (muster, junk) => muster.limits.settle(junk, 1),
  'limits.settle(tokens)': async (muster, junk) => muster.limits.settle(await muster.limits.reserve({}), junk),
  'limits.cooldown(request)': (muster, junk) => muster.limits.cooldown(junk),
  'limits.once(key)': (muster, junk) => muster.limits.once(junk),
  'limits.once(seconds)': (muster, junk) => muster.limits.once('k', junk),
  'limits.set(name)': (muster, junk) => muster.limits.set(junk, null),
  'limits.set(limit)': (muster, junk) => muster.limits.set('endpoint:none', junk),
  'limits.setTier(holder)': (muster, junk) => muster.limits.setTier(junk, 'free'),
  'limits.setTier(tier)': (muster, junk) => muster.limits.setTier({ user: 'u' }, junk),
  'limits.slots.acquire(key)': (muster, junk) => muster.limits.slots.acquire(junk, { limit: 1 }),
  'limits.slots.acquire(request)': (muster, junk) => muster.limits.slots.acquire('k', junk),
  'limits.slots.renew(slot)': (muster, junk) => muster.limits.slots.renew(junk),
  'messages.send(agent)': (muster, junk) => muster.messages.send(junk, {}),
  'messages.send(payload)': (muster, junk) => muster.messages.send('nobody', junk),
  'messages.send(options)': (muster, junk) => muster.messages.send('nobody', {}, junk),
  'messages.request(options)': (muster, junk) => muster.messages.request('nobody', {}, junk),
  'messages.broadcast(options)': (muster, junk) => muster.messages.broadcast({}, junk),
  'messages.direct(intent)': (muster, junk) => muster.messages.direct(junk, {}),
  'messages.list(options)': (muster, junk) => muster.messages.list(junk),
  'messages.counts(agent)': (muster, junk) => muster.messages.counts(junk),
  'messages.receipts(id)': (muster, junk) => muster.messages.receipts(junk),
  'messages.redrive(id)': (muster, junk) => muster.messages.redrive(junk),
};

describe('every public call', () => {
  let muster: MusterUnderTest;
  before(async () => {
    muster = await openMuster('options');
  });
  after(() => muster?.close());

  /** The raw errors that a call raised for junk; a Muster error, or an answer, is what was promised. */
  async function rawErrors(call: (junk: never) => unknown): Promise<string[]> {
    const raw: string[] = [];
    for (const [index, junk] of JUNK.entries()) {
      const error = await Promise.resolve()
        .then(() => call(junk as never))
        .then(
          () => null,
          (thrown: unknown) => thrown,
        );
      const isOurs = error === null || (hasErrorCode(error) && error.code !== 'write_refused');
      if (!isOurs) raw.push(`junk ${index}: ${String(error)}`);
    }
    return raw;
  }

  for (const [place, call] of Object.entries(PLACES)) {
    it(`answers or refuses by a code, whatever is handed in as ${place}`, async () => {
      assert.deepEqual(await rawErrors((junk) => call(muster.client, junk)), []);
    });
  }

  it('that connects, or starts a worker, does so too', async () => {
    for (const call of [
      connect,
      startWorker,
      (junk: never) => connectAgent('a', junk),
      (junk: never) => connectAgent(junk),
    ]) {
      const isRefused = async (junk: never) => {
        const opened = await (call as (options: never) => Promise<{ close?(): Promise<void>; stop?(): Promise<void> }>)(
          junk,
        );
        await (opened.close ?? opened.stop)?.call(opened);
      };
      // An empty object is no junk here: it would connect to what the environment names.
      const found = await rawErrors(async (junk) =>
        Object.keys(Object(junk)).length === 0 && typeof junk === 'object' && junk !== null ? null : isRefused(junk),
      );
      assert.deepEqual(found, []);
    }
  });
});
