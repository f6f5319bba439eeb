import type { JsonObject } from '../domain/json.ts';
import { createEmptyDatabase } from '../test/support/databases.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { fanOut, fiveHandingOn, fiveMakingAnew } from './graphs.ts';
import { median } from './measure.ts';
import { UsageMeter } from './meter.ts';
import { openMusterContestants } from './muster-contestant.ts';
import { handedOn } from './payload.ts';
import { startPeer } from './peer-process.ts';
import type { Finding } from './report.ts';
import { ownRival, type Rival } from './rival.ts';
import { mediansInTurns } from './rounds.ts';
import { peakMegabytes } from './usage.ts';
import { workflowEvents } from './workflow-events.ts';

const IN_FLIGHT = 50;
const RUNS = { warmUp: 200, rate: 500, alone: 60 };

/** Quick nodes with results that are handed on, against DBOS, which keeps no server beside PostgreSQL. */
export async function measureSteps(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  await muster.work({ graphs: [fiveHandingOn, fiveMakingAnew, fanOut] });
  const database = await createEmptyDatabase(stack, 'dbos');
  const dbos = await startPeer('dbos.ts', database.ownerUrl);
  const own = openMusterContestants(muster);
  const meter = new UsageMeter(stack);
  const ours = (graph: string, input: () => JsonObject) => ownRival(own.contestant(graph, input), muster.ownerUrl);
  const theirs = (work: string, what: string) =>
    dbos.rival(work, { name: `DBOS, ${what}`, databaseUrl: database.ownerUrl });
  const five = ours(fiveHandingOn.definition.name, () => ({ text: handedOn() }));
  const anew = ours(fiveMakingAnew.definition.name, () => ({ text: handedOn() }));
  const fan = ours(fanOut.definition.name, () => ({ text: 'bench' }));
  const theirFive = theirs('fiveSteps', 'five steps');
  const theirFan = theirs('fanOut', '1 → 8 → 1');
  try {
    const all = [five, theirFive, fan, theirFan];
    for (const rival of all) await rival.rate({ runs: RUNS.warmUp, inFlight: IN_FLIGHT });
    const rates = await mediansInTurns(all, (rival) =>
      meter.during(rival, RUNS.rate, () => rival.rate({ runs: RUNS.rate, inFlight: IN_FLIGHT })),
    );
    await meter.during(anew, RUNS.rate, () => anew.rate({ runs: RUNS.rate, inFlight: IN_FLIGHT }));
    const events = await workflowEvents(muster, () => five.rate({ runs: RUNS.rate, inFlight: IN_FLIGHT }));
    const alone = await mediansInTurns([five, theirFive], async (rival) => median(await rival.times(RUNS.alone)));
    const of = (figures: Map<Rival, number>, rival: Rival) => figures.get(rival) ?? Number.NaN;
    const ratio = (one: Rival, other: Rival) => of(rates, one) / of(rates, other);
    return [
      ...all.map((one) => ({ name: `${one.name}: tasks/s, ${IN_FLIGHT} in flight`, value: of(rates, one) })),
      { name: 'five quick nodes with 2 KB, rate against DBOS', value: ratio(five, theirFive), goal: { atLeast: 1.5 } },
      { name: '1 → 8 → 1 quick nodes, rate against DBOS', value: ratio(fan, theirFan), goal: { atLeast: 1.5 } },
      { name: `${five.name}: alone, p50 ms`, value: of(alone, five), goal: { atMost: 15 } },
      { name: `${theirFive.name}: alone, p50 ms`, value: of(alone, theirFive) },
      {
        name: 'five quick nodes with 2 KB, processor time against DBOS',
        value:
          (meter.of(five, 'ms of its process') +
            meter.of(five, 'ms of PostgreSQL') +
            meter.of(five, 'ms of Temporal')) /
          (meter.of(theirFive, 'ms of its process') + meter.of(theirFive, 'ms of PostgreSQL')),
      },
      {
        name: 'five quick nodes with 2 KB, bytes in PostgreSQL a task',
        value: meter.of(five, 'bytes in PostgreSQL'),
        goal: { atMost: 12_000 },
      },
      { name: 'the same where each node makes a new text', value: meter.of(anew, 'bytes in PostgreSQL') },
      { name: 'DBOS: peak memory of its process, MB', value: peakMegabytes(dbos.pid) },
      { name: `${five.name}: workflow events a task`, value: events / RUNS.rate },
      ...meter.findings(),
    ];
  } finally {
    await own.close();
    await dbos.close();
    await database.drop();
  }
}
