import assert from 'node:assert/strict';
import fc from 'fast-check';
import { eventually } from '../support/eventually.ts';
import { numbered, PostOffice, type Talker } from './post-office.ts';

const LARGE = process.env.MUSTER_FAULTS === 'large';

/** One message of a random run. */
interface Sending {
  readonly sender: 'ann' | 'bob';
  readonly priority: 1 | 2 | 3 | 4;
  /** On how many deliveries its handler throws. */
  readonly failures: number;
}

describe('the order of messages', () => {
  let office: PostOffice;
  let senders: Record<Sending['sender'], Talker>;
  let run = 0;

  before(async () => {
    office = await PostOffice.open('order');
    senders = { ann: await office.talker(['ann']), bob: await office.talker(['bob']) };
  });
  after(() => office?.close());

  const sending: fc.Arbitrary<Sending> = fc.record({
    sender: fc.constantFrom('ann', 'bob'),
    priority: fc.constantFrom(1, 2, 3, 4),
    failures: fc.nat({ max: 2 }),
  });

  it('of one sender and one priority is kept by two replicas, through failures and redeliveries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sending, { minLength: 5, maxLength: 25 }), async (sendings) => {
        const handled = await deliver(sendings);

        assert.equal(handled.length, sendings.length, 'each is handled once');
        for (const sender of ['ann', 'bob']) {
          for (const priority of [1, 2, 3, 4]) {
            const isOfLane = (n: number) => sendings[n]?.sender === sender && sendings[n]?.priority === priority;
            const order = handled.filter(isOfLane);
            assert.deepEqual(
              order,
              [...order].sort((one, other) => one - other),
            );
          }
        }
      }),
      { numRuns: LARGE ? 25 : 3 },
    );
  });

  /** Sends everything, lets two replicas handle it while it comes, and answers in which order they succeeded. */
  async function deliver(sendings: readonly Sending[]): Promise<number[]> {
    run += 1;
    const name = `reader-${run}`;
    const failed = new Map<number, number>();
    const handled: number[] = [];
    const replicas = [await office.talker([name]), await office.talker([name])];
    for (const replica of replicas) {
      await replica.receive({
        [name]: async ({ payload }) => {
          const n = Number(payload.n);
          await new Promise((resolve) => setImmediate(resolve));
          const failures = failed.get(n) ?? 0;
          failed.set(n, failures + 1);
          if (failures < (sendings[n]?.failures ?? 0)) throw new Error('on purpose');
          handled.push(n);
        },
      });
    }
    for (const [n, { sender, priority }] of sendings.entries()) {
      const { sender: from, as } = senders[sender];
      await from.send(as(sender), { to: name, payload: numbered(n) }, { priority });
    }
    await eventually(
      async () => {
        // The pauses before redeliveries are not what this is about.
        await office.sql('update muster.agent_messages set available_at = now() where available_at > now()');
        assert.equal((await office.messages({ agent: name, status: 'processed' })).length, sendings.length);
      },
      { withinMs: 40_000, everyMs: 50 },
    );
    for (const replica of replicas) await replica.close();
    return handled;
  }
});
