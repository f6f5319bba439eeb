import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { openDatabase } from '../database/open-orm.ts';
import { TENANT_SCOPE, userScope } from '../domain/budgets/scopes.ts';
import type { TraceId } from '../domain/ids.ts';
import { ThinkingRepository } from '../entities/thinking/thinking-repository.ts';
import { BudgetBed, TENANT } from '../test/entities/budgets/budget-bed.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { type Contestant, rateOf } from './measure.ts';
import type { Finding } from './report.ts';
import { mediansInTurns, percentile } from './rounds.ts';

const { Pool }: typeof import('pg') = createRequire(new URL('../package.json', import.meta.url))('pg');

const RATE = { runs: 2_000, inFlight: 50 };
const CONNECTIONS = 10;
/** So wide that nothing is refused while speed is measured. */
const WIDE = { tokens: 1_000_000_000 };
const ASK = { tokens: 10, costMicros: 30, steps: 1 };
const UNLIMITED = 500;

/** How fast one hot budget is reserved from, against the one update that keeps a limit and nothing else. */
export async function measureBudgets({ databaseUrl, ownerUrl }: MusterUnderTest): Promise<Finding[]> {
  const database = openDatabase({ url: databaseUrl, poolSize: CONNECTIONS, applicationName: 'budget speed' });
  const pool = new Pool({ connectionString: ownerUrl, max: CONNECTIONS });
  const bed = new BudgetBed(database);
  let calls = 0;
  const reserve = async (user: string) => {
    calls += 1;
    const key = `call ${calls}`;
    await bed.reserve({ key, scopes: [TENANT_SCOPE, userScope(user)], ask: ASK });
    return key;
  };
  const settle = async (user: string) => {
    const key = await reserve(user);
    await bed.settle(key, ASK);
  };
  const bare = 'update public.bare set used = used + $1 where id = 1 and used + $1 <= most';
  const rivals: Contestant[] = [
    { name: 'Muster, reserve, one hot budget', once: () => reserve('hot') },
    { name: 'bare update … where, one hot row', once: () => pool.query(bare, [ASK.tokens]) },
    { name: 'Muster, reserve and settle, one hot budget', once: () => settle('hot') },
  ];
  try {
    await pool.query('create table public.bare as select 1 as id, 0::bigint as used, 1000000000::bigint as most');
    const scopes = [TENANT_SCOPE, userScope('nobody')];
    const run = { tenant: TENANT, traceId: randomUUID() as TraceId, path: 'nobody' };
    const times = await timesOf(() =>
      database.single.inTenant(TENANT, ({ em }) => new ThinkingRepository(em).steps(run, scopes)),
    );
    const floor = await timesOf(() => pool.query('select 1'));
    await bed.limit(userScope('hot'), WIDE);
    const rates = await mediansInTurns(rivals, (rival) => rateOf(rival, RATE));
    return [
      ...rivals.map(({ name }, at): Finding => {
        const value = [...rates.values()][at] ?? Number.NaN;
        return { name: `${name}, 1/s`, value, ...(at === 0 ? { goal: { atLeast: 1_000 } } : {}) };
      }),
      // What a call pays that no budget is above.
      {
        name: 'Muster, look for a budget where there is none, p50 ms',
        value: percentile(times, 0.5),
        goal: { atMost: 2 },
      },
      { name: 'bare select 1, p50 ms', value: percentile(floor, 0.5) },
    ];
  } finally {
    await pool.end();
    await database.close();
  }
}

/** One after the other. */
async function timesOf(look: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < UNLIMITED; run += 1) {
    const startedAt = performance.now();
    await look();
    times.push(performance.now() - startedAt);
  }
  return times;
}
