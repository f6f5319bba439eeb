import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import { createEmptyDatabase } from '../test/support/databases.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { fiveHandingOn } from './graphs.ts';
import { handedOn } from './payload.ts';
import { startPeer } from './peer-process.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';
import { OWN_CONNECTIONS } from './usage.ts';

const TASKS = 5_000;
const BATCH = 1_000;
/** A look reads all rows, and the time that counts is in them: so it may be rare. */
const LOOK_EVERY_MS = 500;

/** How fast tasks end that wait already, from the first start to the last end by the rows, against DBOS's queue. */
export async function measureBacklog(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const empty = await createEmptyDatabase(stack, 'dbos');
  const dbos = await startPeer('dbos.ts', empty.ownerUrl);
  const database = openDatabase({ url: muster.databaseUrl, poolSize: 1, applicationName: OWN_CONNECTIONS });
  await muster.client.publish([fiveHandingOn]);
  try {
    const medians = await mediansInTurns([() => drain(muster, database), () => dbos.drain(TASKS)], async (takeMs) => {
      return (1_000 * TASKS) / (await takeMs());
    });
    const [rate = Number.NaN, theirRate = Number.NaN] = medians.values();
    return [
      { name: `five quick nodes with 2 KB, backlog of ${TASKS}, tasks/s`, value: rate },
      { name: 'DBOS, five steps from a queue without limits, workflows/s', value: theirRate },
      { name: 'backlog, rate against DBOS', value: rate / theirRate, goal: { atLeast: 3 } },
    ];
  } finally {
    await database.close();
    await dbos.close();
    await empty.drop();
  }
}

/** Submits while no worker runs, and then starts one. */
async function drain(muster: MusterUnderTest, database: Database): Promise<number> {
  const since = new Date();
  for (let submitted = 0; submitted < TASKS; submitted += BATCH) {
    const items = Array.from({ length: BATCH }, () => ({ input: { text: handedOn() } }));
    await muster.client.submitMany(fiveHandingOn.definition.name, items);
  }
  const worker = await muster.work({ graphs: [fiveHandingOn] });
  for (;;) {
    const { ended, took } = await progress(database, since);
    if (ended === TASKS) {
      await worker.stop();
      return took;
    }
    await pause(LOOK_EVERY_MS);
  }
}

async function progress(database: Database, since: Date): Promise<{ ended: number; took: number }> {
  const found = await database.single.inSystem('inspect', ({ em }) =>
    sql<{ ended: number; took: number }>`
      select count(completed_at)::int as ended,
        (1000 * extract(epoch from max(completed_at) - min(started_at)))::float8 as took
      from muster.tasks where created_at >= ${since}`.execute(em.getKysely()),
  );
  return found.rows[0] ?? { ended: 0, took: 0 };
}
