import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { openBareTemporal } from './bare/peer.ts';
import { ELEMENTS, eachElement, quickFanOut, slowFanOut } from './graphs.ts';
import { median } from './measure.ts';
import { UsageMeter } from './meter.ts';
import { openMusterContestants } from './muster-contestant.ts';
import type { Finding } from './report.ts';
import { ownRival, type Rival } from './rival.ts';
import { mediansInTurns } from './rounds.ts';

const IN_FLIGHT = 50;
const RUNS = { warmUp: 50, rate: 200, each: 5 };

/** Nodes side by side against bare Temporal with the same activities, in turns, and an each over many quick elements. */
export async function measureContainers(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  await muster.work({ graphs: [slowFanOut, quickFanOut, eachElement] });
  const temporal = await openBareTemporal(muster.stack, { workflow: 'fanOut', name: '1 → 8 → 1 activities' });
  const own = openMusterContestants(muster);
  const meter = new UsageMeter(stack);
  const bare = ownRival(temporal, null);
  const slow = ownRival(own.contestant(slowFanOut.definition.name), muster.ownerUrl);
  const quick = ownRival(own.contestant(quickFanOut.definition.name), muster.ownerUrl);
  const items = Array.from({ length: ELEMENTS }, (_, index) => `element ${index}`);
  const each = ownRival(
    own.contestant(eachElement.definition.name, () => ({ items })),
    muster.ownerUrl,
  );
  try {
    const all = [bare, slow, quick];
    for (const rival of all) await rival.rate({ runs: RUNS.warmUp, inFlight: IN_FLIGHT });
    const rates = await mediansInTurns(all, (rival) => rival.rate({ runs: RUNS.rate, inFlight: IN_FLIGHT }));
    const of = (rival: Rival) => rates.get(rival) ?? Number.NaN;
    await each.times(1);
    const times = await meter.during(each, RUNS.each, () => each.times(RUNS.each));
    return [
      ...all.map((one) => ({ name: `${one.name}: tasks/s, ${IN_FLIGHT} in flight`, value: of(one) })),
      { name: '1 → 8 → 1 slow nodes, rate against bare', value: of(slow) / of(bare), goal: { atLeast: 0.9 } },
      { name: '1 → 8 → 1 quick nodes, rate against bare', value: of(quick) / of(bare), goal: { atLeast: 3 } },
      { name: 'each: elements/s, alone', value: ELEMENTS / (median(times) / 1_000), goal: { atLeast: 2_000 } },
      ...meter.findings(),
    ];
  } finally {
    await own.close();
    await temporal.close();
  }
}
