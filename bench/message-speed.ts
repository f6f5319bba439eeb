import { connectAgent } from '../index.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { median, rateOf } from './measure.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';

const MESSAGES = { runs: 3_000, inFlight: 100 };
const WARM_UP = { runs: 300, inFlight: 20 };
const ALONE = 200;
const RECEIVER = 'bench-receiver';

/** Messages between two agents: how many a second from durable send to handled, and how soon one alone is handled. */
export async function measureMessages({ environment }: MusterUnderTest): Promise<Finding[]> {
  const handled = new HandledNumbers();
  const receive = ({ payload }: { payload: { n?: unknown } }) => handled.note(Number(payload.n));
  const receiver = await connectAgent(RECEIVER, { environment, receive });
  const sender = await connectAgent('bench-sender', { environment });
  let next = 0;
  const once = async (): Promise<void> => {
    next += 1;
    const done = handled.when(next);
    await sender.send(RECEIVER, { n: next });
    await done;
  };
  const contestant = { name: 'messages', once };
  try {
    await rateOf(contestant, WARM_UP);
    const rates = await mediansInTurns([contestant], () => rateOf(contestant, MESSAGES));
    const times: number[] = [];
    for (let message = 0; message < ALONE; message += 1) {
      const startedAt = performance.now();
      await once();
      times.push(performance.now() - startedAt);
    }
    const rate = rates.get(contestant) ?? Number.NaN;
    const alone = median(times.sort((one, other) => one - other));
    return [
      { name: `messages, send to handled, ${MESSAGES.inFlight} in flight, 1/s`, value: rate, goal: { atLeast: 1_000 } },
      { name: 'messages, send to handled when idle, p50 ms', value: alone, goal: { atMost: 20 } },
    ];
  } finally {
    await sender.close();
    await receiver.close();
  }
}

/** Tells when a numbered message was handled. */
class HandledNumbers {
  readonly #waiting = new Map<number, () => void>();

  when(number: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  note(number: number): void {
    this.#waiting.get(number)?.();
    this.#waiting.delete(number);
  }
}
