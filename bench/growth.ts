import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import type { TraceId } from '../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../domain/queues/queue-settings.ts';
import { ClaimRepository } from '../entities/tasks/claim-repository.ts';
import { NOTHING_STORED } from '../entities/traces/artifact-repository.ts';
import { TRACE } from '../entities/traces/event-rows.ts';
import { Recorder } from '../operations/record/recorder.ts';
import { withPostgresql } from '../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { HANDLERS } from './dispatch-speed.ts';
import { fillWithEnded } from './ended-tasks.ts';
import { oneQuickNode } from './graphs.ts';
import { rateOf } from './measure.ts';
import { processorMsOf } from './meter.ts';
import { openMusterContestants } from './muster-contestant.ts';
import type { Finding } from './report.ts';
import { mediansInTurns, percentile } from './rounds.ts';

const FEW = 10_000;
const MANY = Number(process.argv.find((given) => given.startsWith('--rows='))?.slice('--rows='.length) ?? 1_000_000);
const ROUNDS = 8;
const EACH_ROUND = { tasks: 200, aClaim: 4 };
const RATE = { runs: 500, inFlight: 50 };
const GRAPH = oneQuickNode.definition.name;
const STEPS = ['submit', 'show', 'claim', 'end'] as const;
type Step = (typeof STEPS)[number];

/** An installation with ended tasks, and how long its steps took. */
interface Side {
  readonly muster: MusterUnderTest;
  readonly stack: PrivateStack;
  readonly database: Database;
  readonly old: readonly string[];
  readonly times: Readonly<Record<Step, number[]>>;
  readonly processorMs: Record<Step, number>;
}

/**
 * Measures what a million ended tasks cost the next one: two databases on one server, in turns. `--rows=10000000` sets
 * ten million.
 */
export async function measureGrowth(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const other = await openMuster('bench growth few', { stack });
  const [few, many] = [await openSide(other, stack, FEW), await openSide(muster, stack, MANY)];
  try {
    const before = await rowsScanned(many);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const side of [few, many]) await takeSteps(side);
    }
    const rates = await measureRates([few, many]);
    const scanned = (await rowsScanned(many)) - before;
    const of = (side: Side) => rates.get(side) ?? Number.NaN;
    return [
      ...STEPS.flatMap((name) => stepFindings(name, few, many)),
      { name: `tasks/s beside ${FEW} ended tasks`, value: of(few) },
      { name: `tasks/s beside ${MANY}`, value: of(many) },
      { name: 'rate against that beside few', value: of(many) / of(few), goal: { atLeast: 1 / 1.2 } },
      { name: 'rows read by sequential scans of tables that grow', value: scanned, goal: { atMost: 0 } },
    ];
  } finally {
    await few.database.close();
    await many.database.close();
    await other.close();
  }
}

async function openSide(muster: MusterUnderTest, stack: PrivateStack, rows: number): Promise<Side> {
  await muster.client.publish([oneQuickNode]);
  const old = await fillWithEnded(muster, GRAPH, rows);
  const database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'bench' });
  return {
    ...{ muster, stack, database, old },
    times: { submit: [], show: [], claim: [], end: [] },
    processorMs: { submit: 0, show: 0, claim: 0, end: 0 },
  };
}

/** Submits tasks one by one, shows old ones, and claims and ends the new ones as a worker would. */
async function takeSteps(side: Side): Promise<void> {
  const { muster, database, old } = side;
  const tasks = Array.from({ length: EACH_ROUND.tasks }, (_, index) => index);
  await step(side, 'submit', tasks, () => muster.client.submit(GRAPH, { label: 'bench' }));
  await step(side, 'show', tasks, () => muster.client.task(old[Math.floor(Math.random() * old.length)] ?? '').show());
  const claimant = { workerId: 'bench', taskQueue: muster.taskQueue, handlers: HANDLERS };
  const rules = { settings: DEFAULT_QUEUE_SETTINGS, trace: TRACE };
  const claims = tasks.slice(0, EACH_ROUND.tasks / EACH_ROUND.aClaim);
  const claimed = await step(side, 'claim', claims, () =>
    database.inSystem('dispatch', async ({ em }) => {
      const repository = new ClaimRepository(em);
      const ids = await repository.ready(claimant, rules.settings, { limit: EACH_ROUND.aClaim, turn: 'highest' });
      return repository.claim(new Map(ids.map((id) => [id, uuid() as TraceId])), claimant, rules);
    }),
  );
  await step(side, 'end', claimed.flat(), ({ execution }) => {
    const end = { execution, status: 'completed' as const, failure: null, output: NOTHING_STORED, reply: '' };
    return database.single.inTenant(execution.tenant, ({ em }) => new Recorder(em).taskEnded(end));
  });
}

/** Takes a step for each item, one after the other; keeps how long each took and what all of them cost PostgreSQL. */
async function step<Item, Result>(
  { stack, times, processorMs }: Side,
  name: Step,
  items: readonly Item[],
  take: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const before = processorMsOf(stack.postgres.pid);
  for (const item of items) {
    const startedAt = performance.now();
    results.push(await take(item));
    times[name].push(performance.now() - startedAt);
  }
  processorMs[name] += processorMsOf(stack.postgres.pid) - before;
  return results;
}

function stepFindings(name: Step, few: Side, many: Side): Finding[] {
  const [fewP99, manyP99] = [few, many].map(({ times }) => percentile(times[name], 0.99));
  return [
    { name: `${name}, p99 ms beside ${FEW} ended tasks`, value: fewP99 ?? Number.NaN },
    { name: `${name}, p99 ms beside ${MANY}`, value: manyP99 ?? Number.NaN },
    { name: `${name}, p99 against that beside few`, value: (manyP99 ?? 0) / (fewP99 ?? 0), goal: { atMost: 1.2 } },
    {
      name: `${name}, processor time of PostgreSQL against that beside few`,
      value: many.processorMs[name] / few.processorMs[name],
      goal: { atMost: 1.2 },
    },
  ];
}

/** The rate of whole tasks with one worker on each side. */
async function measureRates(sides: readonly Side[]): Promise<Map<Side, number>> {
  for (const { muster } of sides) await muster.work({ graphs: [oneQuickNode] });
  const own = new Map(sides.map((side) => [side, openMusterContestants(side.muster)]));
  const rate = async (side: Side) => {
    const contestant = own.get(side)?.contestant(GRAPH, () => ({ label: 'bench' }));
    return contestant === undefined ? Number.NaN : rateOf(contestant, RATE);
  };
  try {
    for (const side of sides) await rate(side);
    return await mediansInTurns(sides, rate);
  } finally {
    for (const contestants of own.values()) await contestants.close();
  }
}

/** How long the server may take to publish its figures. */
const FIGURES_MS = 1_500;

async function rowsScanned({ muster }: Side): Promise<number> {
  await pause(FIGURES_MS);
  return withPostgresql(muster.ownerUrl, async (client) => {
    const { rows } = await client.query<{ rows: string }>(
      `select coalesce(sum(seq_tup_read), 0) as rows from pg_stat_user_tables where relname in
        ('tasks', 'agent_traces', 'agent_runs', 'trace_events', 'audit_log', 'outbox')`,
    );
    return Number(rows[0]?.rows);
  });
}
