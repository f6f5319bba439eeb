import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { openBareTemporal } from './bare/peer.ts';
import { fiveQuickNodes, fiveSlowNodes } from './graphs.ts';
import { median } from './measure.ts';
import { UsageMeter } from './meter.ts';
import { openMusterContestants } from './muster-contestant.ts';
import type { Finding } from './report.ts';
import { ownRival, type Rival } from './rival.ts';
import { mediansInTurns } from './rounds.ts';
import { workflowEvents } from './workflow-events.ts';

const IN_FLIGHT = 50;
const RUNS = { warmUp: 100, rate: 300, alone: 60, events: 50 };

/** The same rival under a name of its own, since one task alone has other costs than one of many. */
function onItsOwn(rival: Rival): Rival {
  return { ...rival, name: `${rival.name}, alone` };
}

async function events(muster: MusterUnderTest, rivals: readonly Rival[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const rival of rivals) {
    const together = await workflowEvents(muster, () => rival.rate({ runs: RUNS.events, inFlight: IN_FLIGHT }));
    const alone = await workflowEvents(muster, () => rival.times(RUNS.events));
    findings.push({ name: `${rival.name}: workflow events a task`, value: together / RUNS.events });
    findings.push({ name: `${rival.name}, alone: workflow events a task`, value: alone / RUNS.events });
  }
  return findings;
}

/** Five no-op nodes against a bare workflow of five no-op activities on the same server, in turns. */
export async function measureGraphSpeed(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  await muster.work({ graphs: [fiveQuickNodes, fiveSlowNodes] });
  const temporal = await openBareTemporal(muster.stack, { workflow: 'fiveActivities', name: 'five activities' });
  const own = openMusterContestants(muster);
  const meter = new UsageMeter(stack);
  const bare = ownRival(temporal, null);
  const slow = ownRival(own.contestant(fiveSlowNodes.definition.name), muster.ownerUrl);
  const quick = ownRival(own.contestant(fiveQuickNodes.definition.name), muster.ownerUrl);
  try {
    const all = [bare, slow, quick];
    for (const rival of all) await rival.rate({ runs: RUNS.warmUp, inFlight: IN_FLIGHT });
    const rates = await mediansInTurns(all, (rival) =>
      meter.during(rival, RUNS.rate, () => rival.rate({ runs: RUNS.rate, inFlight: IN_FLIGHT })),
    );
    const alone = await mediansInTurns(all, (rival) =>
      meter.during(onItsOwn(rival), RUNS.alone, async () => median(await rival.times(RUNS.alone))),
    );
    const of = (figures: Map<Rival, number>, rival: Rival) => figures.get(rival) ?? Number.NaN;
    return [
      ...all.map((one) => ({ name: `${one.name}: tasks/s, ${IN_FLIGHT} in flight`, value: of(rates, one) })),
      { name: 'slow nodes, rate against bare', value: of(rates, slow) / of(rates, bare), goal: { atLeast: 0.85 } },
      { name: 'quick nodes, rate against bare', value: of(rates, quick) / of(rates, bare), goal: { atLeast: 3 } },
      ...all.map((one) => ({ name: `${one.name}: alone, p50 ms`, value: of(alone, one) })),
      { name: 'quick nodes, alone, p50 ms', value: of(alone, quick), goal: { atMost: 45 } },
      { name: 'slow nodes, alone, ms above bare', value: of(alone, slow) - of(alone, bare), goal: { atMost: 40 } },
      ...meter.findings(),
      ...(await events(muster, [slow, quick])),
    ];
  } finally {
    await own.close();
    await temporal.close();
  }
}
