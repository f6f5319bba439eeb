import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import {
  type BudgetScope,
  conversationScope,
  subGraphScope,
  TENANT_SCOPE,
  taskScope,
  userScope,
} from '../../../domain/budgets/scopes.ts';
import type { TaskId } from '../../../domain/ids.ts';
import { BudgetRepository } from '../../../entities/budgets/budget-repository.ts';
import { BudgetBed } from '../../entities/budgets/budget-bed.ts';
import { AgentsUnderTest } from '../../support/agents.ts';
import { type Stack, sharedStack } from '../../support/stack.ts';

const MAIN = fileURLToPath(new URL('./spender-main.ts', import.meta.url));
const PROCESSES = 4;
const SPENDERS_EACH = 16;
const IS_LARGE = process.env.MUSTER_FAULTS === 'large';
/** Processes to kill, one a second. */
const KILLS = IS_LARGE ? 60 : 8;
/** So little that the last calls are refused, and so much that most are paid. */
const TOKENS = IS_LARGE ? 60_000 : 2_000;
const REFUSALS = 50;
/** Of a machine with a lot else to do. */
const MOST_SECONDS = 15 * KILLS;

/** Two users, each with two conversations, each with two tasks, each with two sub-graphs: 16 chains of five levels. */
function chainsOfFive(): BudgetScope[][] {
  const two = [0, 1];
  return two.flatMap((user) =>
    two.flatMap((conversation) =>
      two.flatMap(() => {
        const task = randomUUID() as TaskId;
        const above = [
          TENANT_SCOPE,
          userScope(`u${user}`),
          conversationScope(`c${user}${conversation}`),
          taskScope(task),
        ];
        return two.map((part) => [...above, subGraphScope(task, `part-${part}`)]);
      }),
    ),
  );
}

describe('hard budgets', () => {
  let agents: AgentsUnderTest;
  let stack: Stack;
  const children = new Set<ChildProcess>();

  before(async () => {
    stack = await sharedStack();
    agents = await AgentsUnderTest.open(stack, 'overspending');
    await agents.asSuperuser('create table public.paid (scopes text[] not null, tokens int not null)');
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await agents?.close();
  });

  it('G7: 64 spenders over five levels overspend by nothing while their processes are killed', async function () {
    this.timeout((MOST_SECONDS + 90) * 1_000);
    const bed = new BudgetBed(agents.database);
    const chains = chainsOfFive();
    const limits = new Map(chains.flat().map((scope) => [scope, limitOf(scope)]));
    for (const [scope, tokens] of limits) await bed.limit(scope, { tokens, money: 3 * tokens });
    let [started, killed, refused, seconds] = [0, 0, 0, 0];
    const atWork: { readonly name: string; readonly child: ChildProcess }[] = [];
    const start = () => {
      started += 1;
      const name = `spender-${started}`;
      const plan = { databaseUrl: agents.clone.databaseUrl, providerUrl: agents.clone.superuserUrl, chains };
      const child = fork(MAIN, [JSON.stringify({ ...plan, process: name, spenders: SPENDERS_EACH })], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      child.on('message', (said) => {
        if (said === 'refused') refused += 1;
        else atWork.push({ name, child });
      });
      children.add(child);
    };

    for (let process = 0; process < PROCESSES; process += 1) start();
    while ((killed < KILLS || refused < REFUSALS) && seconds < MOST_SECONDS) {
      await pause(1_000);
      seconds += 1;
      // Not the only one: a process that has only just begun would have nothing to lose.
      const victim = atWork.length < 2 || killed === KILLS ? undefined : atWork.shift();
      if (victim === undefined) continue;
      victim.child.kill('SIGKILL');
      await gone(victim.child);
      killed += 1;
      await endReservationsOf(victim.name);
      start();
      if (killed === KILLS / 2) await emptyRedis(stack);
    }
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([...children].map(gone));
    const crashed = [...children].filter(({ exitCode }) => exitCode !== null).length;
    const before = await standing();
    await endReservationsOf('%');

    const after = await standing();
    const spent = await paidByScope();
    const happened = `${killed} processes were killed and ${refused} calls refused in ${seconds} s`;
    assert.equal(crashed, 0, `${crashed} processes ended by themselves`);
    assert.ok(killed >= KILLS && refused >= REFUSALS, happened);
    assert.ok((spent.get(TENANT_SCOPE) ?? 0) > TOKENS / 5, `only ${spent.get(TENANT_SCOPE)} of ${TOKENS} were paid`);
    for (const [scope, limit] of limits) {
      const [open, closed] = [before.get(scope), after.get(scope)];
      assert.ok((spent.get(scope) ?? 0) <= limit, `${scope}: ${spent.get(scope)} of ${limit} were paid`);
      assert.ok(open !== undefined && open.spent + open.reserved <= limit, `${scope}: ${JSON.stringify(open)}`);
      assert.ok(closed !== undefined && closed.reserved === 0, `${scope} still holds ${closed?.reserved}`);
      assert.ok(closed.spent >= (spent.get(scope) ?? 0), `${scope} was charged less than was paid`);
    }
  });

  /** What the sweeper does a minute after a death. The processes have no lease, so the age of their reservations decides. */
  async function endReservationsOf(process: string): Promise<void> {
    await agents.asSuperuser(
      `update muster.budget_reservations set created_at = created_at - interval '60 s' where process like '${process}'`,
    );
    await agents.database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).endDead(10_000));
  }

  /** The tenant's own limit is below the sum of the users', and so on: each level refuses now and then. */
  function limitOf(scope: BudgetScope): number {
    const share = scope === TENANT_SCOPE ? 1 : scope.startsWith('user:') ? 0.55 : scope.startsWith('conv') ? 0.3 : 0.17;
    return Math.floor(TOKENS * (scope.includes('/') ? 0.1 : share));
  }

  async function paidByScope(): Promise<Map<string, number>> {
    const rows = await agents.rows<{ scope: string; tokens: number }>(
      'select s.scope, sum(p.tokens)::int as tokens from public.paid p, unnest(p.scopes) s(scope) group by s.scope',
    );
    return new Map(rows.map(({ scope, tokens }) => [scope, tokens]));
  }

  async function standing(): Promise<Map<string, { spent: number; reserved: number }>> {
    const rows = await agents.rows<{ scope: string; spent: number; reserved: number }>(
      'select scope, tokens_spent::int as spent, tokens_reserved::int as reserved from muster.budgets',
    );
    return new Map(rows.map(({ scope, ...counts }) => [scope, counts]));
  }
});

/** Resolves when a process that was killed is there no more. */
async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function emptyRedis({ redisUrl }: Stack): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushall();
  redis.disconnect();
}
