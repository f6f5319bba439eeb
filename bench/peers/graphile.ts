import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { createEmptyDatabase } from '../../test/support/databases.ts';
import type { Stack } from '../../test/support/stack.ts';

/** The peer for submits and starts: graphile-worker in a database of its own on the same PostgreSQL. */
export interface Graphile {
  /** Adds jobs in one call. */
  addMany(count: number): Promise<void>;
  /** Adds one job. */
  addOne(): Promise<void>;
  /**
   * Starts a runner with its default settings and a task that does nothing. Resolves when so many jobs have been
   * carried out, with the milliseconds from the first to the last of them.
   */
  drain(count: number): Promise<number>;
  close(): Promise<void>;
}

const TASK = 'nothing';
const PAYLOAD = { label: 'bench' };

export async function openGraphile(stack: Stack): Promise<Graphile> {
  const database = await createEmptyDatabase(stack, 'graphile');
  const connectionString = database.ownerUrl;
  const logger = new Logger(() => () => undefined);
  // Its own pool has ten connections, as many as Muster's has by default.
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  return {
    addMany: async (count) => {
      await utils.addJobs(Array.from({ length: count }, () => ({ identifier: TASK, payload: PAYLOAD })));
    },
    addOne: async () => {
      await utils.addJob(TASK, PAYLOAD);
    },
    drain: (count) => drain({ connectionString, logger, count }),
    close: async () => {
      await utils.release();
      await database.drop();
    },
  };
}

async function drain(options: { connectionString: string; logger: Logger; count: number }): Promise<number> {
  const { connectionString, logger, count } = options;
  const done = Promise.withResolvers<number>();
  let ended = 0;
  let firstAt = 0;
  const nothing = (): void => {
    if (ended === 0) firstAt = performance.now();
    ended += 1;
    if (ended === count) done.resolve(performance.now() - firstAt);
  };
  const runner = await run({ connectionString, logger, noHandleSignals: true, taskList: { [TASK]: nothing } });
  const tookMs = await done.promise;
  await runner.stop();
  return tookMs;
}
