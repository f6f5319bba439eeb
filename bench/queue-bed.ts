import { v7 as uuid } from 'uuid';
import { GroupCommit } from '../database/group-commit.ts';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import { Dispatcher } from '../dispatcher/dispatcher.ts';
import { SettingsCache } from '../dispatcher/settings-cache.ts';
import type { TaskId } from '../domain/ids.ts';
import { NO_FAILPOINTS } from '../domain/system/failpoints.ts';
import { anyOf } from '../entities/common-expressions.ts';
import { tables } from '../entities/tables.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { GraphCache } from '../operations/graphs/graph-cache.ts';
import { JobQueue } from '../redis/job-queue.ts';
import { openRedis } from '../redis/open-redis.ts';
import { WakeUps } from '../redis/wake-ups.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';

/** The parts between submit and start without a worker: the queue, and a dispatcher whose starts do nothing. */
export interface QueueBed {
  readonly queue: JobQueue;
  readonly database: Database;
  /** Begins to dispatch; every start is told and over at once, also in PostgreSQL. Call the answer to stop. */
  dispatch(started: (task: ClaimedTask) => void): () => Promise<void>;
  close(): Promise<void>;
}

/** Muster's defaults: connections of a pool, and tasks that a worker carries out at once. */
const POOL_SIZE = 10;
/** Tasks in flight; a start that does nothing ends at once, so this bounds the batches alone. */
const CAPACITY = 1_000;
const ENDED_AT_ONCE = 500;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function openQueueBed(muster: MusterUnderTest, handlers: readonly string[]): Promise<QueueBed> {
  const { environment, databaseUrl, taskQueue } = muster;
  const database = openDatabase({ url: databaseUrl, poolSize: POOL_SIZE, applicationName: 'bench' });
  const redis = await openRedis({
    url: environment.MUSTER_REDIS_URL ?? '',
    prefix: environment.MUSTER_REDIS_PREFIX ?? '',
    log: silent,
  });
  const queue = new JobQueue(redis, { taskQueue });
  const wakeUps = new WakeUps(redis, { taskQueue });
  return {
    queue,
    database,
    dispatch: (started) => {
      const ends = new GroupCommit<TaskId, void>({ max: ENDED_AT_ONCE, write: (ids) => giveUpPlaces(database, ids) });
      const begin = async (task: ClaimedTask) => {
        started(task);
        await ends.add(task.execution.taskId);
        dispatcher.taskEnded(task.execution.taskId);
      };
      const dispatcher: Dispatcher = new Dispatcher({
        database,
        graphs: new GraphCache(database),
        queue,
        settings: new SettingsCache({ database, log: silent }),
        start: begin,
        startTogether: async (_, tasks) => void (await Promise.all(tasks.map(begin))),
        verdicts: { of: async () => null, startTaken: () => undefined },
        claimant: { workerId: `bench-${uuid()}`, taskQueue, handlers },
        capacity: CAPACITY,
        reach: NO_FAILPOINTS,
        log: silent,
      });
      const silence = wakeUps.onJob(() => dispatcher.hint());
      dispatcher.start();
      return async () => {
        silence();
        await dispatcher.stop();
        await ends.idle();
      };
    },
    close: async () => {
      await redis.close();
      await database.close();
    },
  };
}

/** The cheapest end: a dispatcher looks in PostgreSQL which tasks hold its places, and finds these no more. */
async function giveUpPlaces(database: Database, ids: readonly TaskId[]): Promise<undefined[]> {
  await database.single.inSystem('dispatch', ({ em }) =>
    tables(em).updateTable('tasks').set({ claimedBy: null }).where('id', '=', anyOf(ids)).execute(),
  );
  return ids.map(() => undefined);
}
