import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { openDatabase } from '../../../database/open-orm.ts';
import type { BudgetAsk } from '../../../domain/budgets/amounts.ts';
import type { BudgetScope } from '../../../domain/budgets/scopes.ts';
import { Spender } from '../../../operations/budgets/spender.ts';
import { beginReservation, TENANT } from '../../entities/budgets/budget-bed.ts';

/**
 * A process of spenders that its test kills at any moment. The provider, which they pay, is a table of the test that
 * connections of its own write: it remembers what was paid, whatever became of the process and of its budgets.
 */
interface Plan {
  readonly databaseUrl: string;
  readonly providerUrl: string;
  readonly process: string;
  readonly spenders: number;
  readonly chains: readonly (readonly BudgetScope[])[];
}

/** A refused spender leaves the machine to the others. */
const REFUSED_MS = 500;

const { databaseUrl, providerUrl, process: name, spenders, chains }: Plan = JSON.parse(process.argv[2] ?? '');
const database = openDatabase({ url: databaseUrl, poolSize: 8, applicationName: name });
const provider = new Pool({ connectionString: providerUrl, max: 4 });
const spender = new Spender(database);

async function spend(number: number): Promise<void> {
  for (let call = 0; ; call += 1) {
    const scopes = chains[Math.floor(Math.random() * chains.length)] ?? [];
    const key = `${name}/${number}/${call}`;
    const most = 1 + Math.floor(Math.random() * 20);
    const ask: BudgetAsk = { tokens: most, costMicros: 3 * most, steps: 1 };
    const answer = await spender.reserve({ key, tenant: TENANT, scopes, ask, process: name });
    if (!answer.ok) {
      process.send?.('refused');
      await pause(REFUSED_MS);
      continue;
    }
    if (Math.random() < 0.1) {
      await spender.release(TENANT, key);
      continue;
    }
    if (!(await beginReservation(database, key, name))) continue;
    const paid = Math.ceil(most * Math.random());
    await provider.query('insert into public.paid (scopes, tokens) values ($1, $2)', [scopes, paid]);
    await spender.settle(TENANT, key, { tokens: paid, costMicros: 3 * paid, steps: 1 });
  }
}

process.send?.('at work');
await Promise.all(Array.from({ length: spenders }, (_, number) => spend(number)));
