import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { type Peer, serve } from './serve.ts';

/** The peer for submits and starts: graphile-worker with its default settings, and so with ten connections. */
const TASK = 'nothing';
const BATCH = 1_000;
const PAYLOAD = { label: 'bench' };
const logger = new Logger(() => () => undefined);

async function openGraphile(connectionString: string): Promise<Peer> {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  const jobs = Array.from({ length: BATCH }, () => ({ identifier: TASK, payload: PAYLOAD }));
  return {
    works: {
      addJobs: () => utils.addJobs(jobs),
      addJob: () => utils.addJob(TASK, PAYLOAD),
    },
    drain: async (count) => {
      for (let added = 0; added < count; added += BATCH) await utils.addJobs(jobs.slice(0, count - added));
      return drain(connectionString, count);
    },
    close: async () => {
      await utils.release();
    },
  };
}

/** With a runner of the default settings and a task that does nothing. */
async function drain(connectionString: string, count: number): Promise<number> {
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

await serve(openGraphile);
