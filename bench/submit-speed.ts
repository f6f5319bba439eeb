import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { oneQuickNode } from './graphs.ts';
import { type Contestant, rateOf } from './measure.ts';
import { UsageMeter } from './meter.ts';
import { openGraphile } from './peers/graphile.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';

const BATCH = 1_000;
const BATCHES = { runs: 60, inFlight: 2, tasks: BATCH };
const SINGLES = { runs: 4_000, inFlight: 50, tasks: 1 };
const INPUT = { label: 'bench' };

/** How fast tasks are made durable: in batches, and one by one, each against graphile-worker's jobs. */
export async function measureSubmits(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const { client } = muster;
  const graph = oneQuickNode.definition.name;
  await client.publish([oneQuickNode]);
  const meter = new UsageMeter(stack);
  const graphile = await openGraphile(muster.stack);
  try {
    const items = Array.from({ length: BATCH }, () => ({ input: INPUT }));
    const ours = { name: 'Muster, submitMany', once: () => client.submitMany(graph, items) };
    const theirs = { name: 'graphile-worker, addJobs', once: () => graphile.addMany(BATCH) };
    const batches = await measured([ours, theirs], BATCHES, meter);
    const single = { name: 'Muster, submit', once: () => client.submit(graph, INPUT) };
    const theirSingle = { name: 'graphile-worker, addJob', once: () => graphile.addOne() };
    const singles = await measured([single, theirSingle], SINGLES, meter);
    return [
      { name: `submit in batches of ${BATCH}, tasks/s`, value: BATCH * batches.of(ours), goal: { atLeast: 15_000 } },
      { name: `${theirs.name} in batches of ${BATCH}, jobs/s`, value: BATCH * batches.of(theirs) },
      {
        name: 'submit in batches against addJobs',
        value: batches.of(ours) / batches.of(theirs),
        goal: { atLeast: 1 / 3 },
      },
      { name: `submit, ${SINGLES.inFlight} in flight, tasks/s`, value: singles.of(single), goal: { atLeast: 2_000 } },
      { name: `${theirSingle.name}, ${SINGLES.inFlight} in flight, jobs/s`, value: singles.of(theirSingle) },
      { name: 'submit against addJob', value: singles.of(single) / singles.of(theirSingle), goal: { atLeast: 1 } },
      ...meter.findings(),
    ];
  } finally {
    await graphile.close();
  }
}

/** Calls a second of each, after a round for warming up. */
async function measured(
  rivals: readonly Contestant[],
  options: { runs: number; inFlight: number; tasks: number },
  meter: UsageMeter,
): Promise<{ of(rival: Contestant): number }> {
  for (const rival of rivals) await rateOf(rival, options);
  const medians = await mediansInTurns(rivals, (rival) =>
    meter.during(rival.name, options.runs * options.tasks, () => rateOf(rival, options)),
  );
  return { of: (rival) => medians.get(rival) ?? Number.NaN };
}
