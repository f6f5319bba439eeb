import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from './caller.ts';
import type { SeededRandom } from './random.ts';

/** Lanes of one caller: each does one thing after the other. */
const LANES = 3;
/** Together with the lanes, how much is asked of two cores that carry the services and the workers too. */
const PAUSE_MS = { least: 150, most: 450 };

export interface Load {
  /** Ends it once what is under way has been answered. */
  stop(): Promise<void>;
  /** Attempts on another tenant's tasks that were refused as such. */
  readonly refused: number;
}

/** Lets callers submit, repeat, cancel, read and try what is others' at random until it is stopped. */
export function startLoad(callers: readonly Caller[], random: SeededRandom): Load {
  let stopped = false;
  let refused = 0;
  const lane = async (caller: Caller, own: SeededRandom, name: number): Promise<void> => {
    for (let step = 0; !stopped; step += 1) {
      await act(caller, own, `${name}-${step}`);
      await pause(own.between(PAUSE_MS.least, PAUSE_MS.most));
    }
  };
  const foreign = async (own: SeededRandom): Promise<void> => {
    while (!stopped) {
      const [one, other] = own.shuffled(callers);
      if (one !== undefined && other !== undefined && (await one.reachForeign(other, own))) refused += 1;
      await pause(own.between(PAUSE_MS.least, PAUSE_MS.most));
    }
  };
  const lanes = callers.flatMap((caller) =>
    Array.from({ length: LANES }, (_, name) => lane(caller, random.fork(), name)),
  );
  const running = Promise.all([...lanes, foreign(random.fork())]);
  return {
    get refused() {
      return refused;
    },
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

async function act(caller: Caller, random: SeededRandom, newKey: string): Promise<void> {
  const draw = random.next();
  if (draw < 0.08) return caller.cancel(random);
  if (draw < 0.16) return caller.read(random);
  if (draw < 0.17) return caller.submitBurst(newKey, random);
  const known = draw < 0.26 ? caller.knownKey(random) : null;
  await (known === null ? caller.submit(newKey, random) : caller.repeat(known));
}
