import { type Ending, WorkerNotStarted } from '../../support/worker-process.ts';
import { LARGE, World } from './world.ts';

export interface Poisoned {
  readonly world: World;
  /** Workers that the poison killed. */
  readonly deaths: number;
  readonly poisonKeys: readonly string[];
  readonly tookMs: number;
}

/** Three heartbeat timeouts of 20 s each, on a busy machine. */
const GIVEN_UP_WITHIN_MS = 150_000;

/** Submits tasks that kill their workers among harmless ones, and starts a new worker for each that died. */
export async function letPoisonIn(): Promise<Poisoned> {
  const started = performance.now();
  const world = await World.open('poison');
  const poisonKeys = Array.from({ length: LARGE ? 10 : 1 }, (_, index) => `poison-${index}`);
  for (const key of poisonKeys) await world.submit('poison', key);
  await world.submitMany('mixed', LARGE ? 2_000 : 20);
  let deaths = 0;
  let over = false;
  const keepOne = async (): Promise<void> => {
    while (!over) {
      const { ended } = await startOne();
      const { signal } = await ended;
      if (!over && signal === 'SIGKILL') deaths += 1;
    }
  };
  /** The poison may kill a worker before it could say that it has started. */
  const startOne = async (): Promise<{ readonly ended: Promise<Ending> }> => {
    try {
      return await world.spawn();
    } catch (error) {
      if (error instanceof WorkerNotStarted) return { ended: Promise.resolve(error.ending) };
      throw error;
    }
  };
  const kept = Promise.all([keepOne(), keepOne()]);
  await Promise.race([kept, world.allEnded(GIVEN_UP_WITHIN_MS * poisonKeys.length)]).finally(() => {
    over = true;
  });
  return { world, deaths, poisonKeys, tookMs: performance.now() - started };
}
