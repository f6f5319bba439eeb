import { createEmptyDatabase } from '../test/support/databases.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { oneQuickNode } from './graphs.ts';
import { UsageMeter } from './meter.ts';
import { startPeer } from './peer-process.ts';
import type { Finding } from './report.ts';
import { ownRival, type Rival } from './rival.ts';
import { mediansInTurns } from './rounds.ts';

/** As many as a peer's batch has. */
const BATCH = 1_000;
const BATCHES = { runs: 60, inFlight: 2, tasks: BATCH };
const SINGLES = { runs: 4_000, inFlight: 50, tasks: 1 };
const INPUT = { label: 'bench' };

/** How fast tasks are made durable: in batches, and one by one, against the jobs of graphile-worker and pg-boss. */
export async function measureSubmits(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const { client } = muster;
  const graph = oneQuickNode.definition.name;
  await client.publish([oneQuickNode]);
  const meter = new UsageMeter(stack);
  const graphile = await openPeer(stack, 'graphile');
  const boss = await openPeer(stack, 'pg-boss');
  const items = Array.from({ length: BATCH }, () => ({ input: INPUT }));
  const ours = (name: string, once: () => Promise<unknown>) =>
    ownRival({ name: `Muster, ${name}`, once }, muster.ownerUrl);
  const batches = {
    ours: ours('submitMany', () => client.submitMany(graph, items)),
    graphile: graphile.rival('addJobs'),
    boss: boss.rival('insert'),
  };
  const singles = {
    ours: ours('submit', () => client.submit(graph, INPUT)),
    graphile: graphile.rival('addJob'),
    boss: boss.rival('send'),
  };
  try {
    const batched = await measured(Object.values(batches), BATCHES, meter);
    const single = await measured(Object.values(singles), SINGLES, meter);
    return [
      ...rates(batched, `in batches of ${BATCH}`, { [batches.ours.name]: 15_000 }),
      { name: 'submit in batches against addJobs', value: ratio(batched, batches), goal: { atLeast: 0.5 } },
      ...rates(single, `${SINGLES.inFlight} in flight`, { [singles.ours.name]: 2_000 }),
      { name: 'submit against addJob', value: ratio(single, singles), goal: { atLeast: 2.5 } },
      ...meter.findings(),
    ];
  } finally {
    await graphile.close();
    await boss.close();
  }
}

interface OpenPeer {
  rival(work: string): Rival;
  close(): Promise<void>;
}

async function openPeer(stack: PrivateStack, name: 'graphile' | 'pg-boss'): Promise<OpenPeer> {
  const database = await createEmptyDatabase(stack, name);
  const peer = await startPeer(`${name}.ts`, database.ownerUrl);
  return {
    rival: (work) => peer.rival(work, { name: `${name}, ${work}`, databaseUrl: database.ownerUrl }),
    close: async () => {
      await peer.close();
      await database.drop();
    },
  };
}

/** Tasks or jobs a second of each, after a round for warming up. */
async function measured(
  rivals: readonly Rival[],
  options: { runs: number; inFlight: number; tasks: number },
  meter: UsageMeter,
): Promise<Map<Rival, number>> {
  for (const rival of rivals) await rival.rate(options);
  return mediansInTurns(rivals, (rival) =>
    meter.during(rival, options.runs * options.tasks, async () => options.tasks * (await rival.rate(options))),
  );
}

function rates(found: ReadonlyMap<Rival, number>, how: string, goals: Readonly<Record<string, number>>): Finding[] {
  return [...found].map(([{ name }, value]) => {
    const goal = goals[name];
    return { name: `${name}, ${how}, 1/s`, value, ...(goal === undefined ? {} : { goal: { atLeast: goal } }) };
  });
}

/** Of Muster's rate to that of graphile-worker, the faster of the two peers. */
function ratio(found: ReadonlyMap<Rival, number>, of: { ours: Rival; graphile: Rival }): number {
  return (found.get(of.ours) ?? Number.NaN) / (found.get(of.graphile) ?? Number.NaN);
}
