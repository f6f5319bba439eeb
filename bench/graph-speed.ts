import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { openBareTemporal } from './bare/peer.ts';
import { fiveQuickNodes, fiveSlowNodes } from './graphs.ts';
import { type Contestant, median, rateOf, timesOf } from './measure.ts';
import { UsageMeter } from './meter.ts';
import { openMusterContestants } from './muster-contestant.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';

const IN_FLIGHT = 50;
const RUNS = { warmUp: 100, rate: 300, alone: 60 };

/** Five no-op nodes against a bare workflow of five no-op activities on the same server, in turns. */
export async function measureGraphSpeed(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  await muster.work({ graphs: [fiveQuickNodes, fiveSlowNodes] });
  const bare = await openBareTemporal(muster.stack);
  const own = openMusterContestants(muster);
  const meter = new UsageMeter(stack);
  const slow = own.contestant(fiveSlowNodes.definition.name);
  const quick = own.contestant(fiveQuickNodes.definition.name);
  try {
    const all = [bare, slow, quick];
    for (const contestant of all) await rateOf(contestant, { runs: RUNS.warmUp, inFlight: IN_FLIGHT });
    const rates = await mediansInTurns(all, (contestant) =>
      meter.during(contestant.name, RUNS.rate, () => rateOf(contestant, { runs: RUNS.rate, inFlight: IN_FLIGHT })),
    );
    const alone = await mediansInTurns(all, async (contestant) => median(await timesOf(contestant, RUNS.alone)));
    const of = (figures: Map<Contestant, number>, contestant: Contestant) => figures.get(contestant) ?? Number.NaN;
    return [
      ...all.map((one) => ({ name: `${one.name}: tasks/s, ${IN_FLIGHT} in flight`, value: of(rates, one) })),
      { name: 'slow nodes, rate against bare', value: of(rates, slow) / of(rates, bare), goal: { atLeast: 0.85 } },
      { name: 'quick nodes, rate against bare', value: of(rates, quick) / of(rates, bare), goal: { atLeast: 3 } },
      ...all.map((one) => ({ name: `${one.name}: alone, p50 ms`, value: of(alone, one) })),
      { name: 'quick nodes, alone, p50 ms', value: of(alone, quick), goal: { atMost: 45 } },
      { name: 'slow nodes, alone, ms above bare', value: of(alone, slow) - of(alone, bare), goal: { atMost: 40 } },
      ...meter.findings(),
    ];
  } finally {
    await own.close();
    await bare.close();
  }
}
