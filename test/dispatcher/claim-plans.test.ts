import assert from 'node:assert/strict';
import type { CompiledQuery, QueryExecutor } from 'kysely';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import { WaitingRepository } from '../../entities/tasks/waiting-repository.ts';
import { ClaimBed, HANDLERS, TASK_QUEUE } from './claim-bed.ts';

const CLAIMANT = { workerId: 'worker', taskQueue: TASK_QUEUE, handlers: HANDLERS };

describe('the statements of the dispatcher, with thousands of tasks waiting', () => {
  let bed: ClaimBed;
  let ids: TaskId[];

  before(async () => {
    bed = await ClaimBed.open('claim-plans');
    ids = await bed.insert({}, 5_000);
    await bed.insert({ priority: 2, user: 'ada' }, 100);
  });
  after(() => bed?.close());

  for (const statistics of ['without statistics', 'with statistics']) {
    const gather = async () => {
      if (statistics === 'with statistics') await bed.asSuperuser('analyze muster.tasks, muster.agent_components');
    };

    it(`find the rows of a claim by their ids, ${statistics}`, async () => {
      await gather();
      const wanted = new Map(ids.slice(0, 50).map((id) => [id, crypto.randomUUID() as TraceId]));
      const plan = await planOf((claims) => claims.claim(wanted, CLAIMANT, { settings: bed.settings, record: true }));

      assert.match(plan, /tasks_pkey on tasks t/);
      assert.doesNotMatch(plan, /Seq Scan on tasks|tasks_claim_index/);
    });

    it(`read the head of the line and no further, ${statistics}`, async () => {
      await gather();
      for (const turn of ['highest', 'lowest'] as const) {
        const plan = await planOf((claims) => claims.ready(CLAIMANT, bed.settings, { limit: 50, turn }));

        assert.match(plan, /tasks_claim_index on tasks t/);
        assert.doesNotMatch(plan, /Sort/);
      }
    });

    it(`read what waits page by page in its order, ${statistics}`, async () => {
      await gather();
      const plan = await planOf((_, waiting) => waiting.page(TASK_QUEUE, ids[100] ?? null, 500));

      assert.match(plan, /tasks_claim_index on tasks t/);
      assert.doesNotMatch(plan, /Sort/);
    });
  }

  /** How PostgreSQL would carry a statement out. */
  async function planOf(
    ask: (claims: ClaimRepository, waiting: WaitingRepository) => Promise<unknown>,
  ): Promise<string> {
    const lines: string[] = [];
    await bed.database.inSystem('dispatch', async ({ em, kysely }) => {
      const executor = explaining(kysely.getExecutor(), lines);
      const manager = Object.assign(Object.create(em) as typeof em, {
        getKysely: () => ({ getExecutor: () => executor }),
      });
      await ask(new ClaimRepository(manager), new WaitingRepository(manager));
    });
    return lines.join('\n');
  }
});

/** Asks for the plan of each statement instead of carrying it out. */
function explaining(executor: QueryExecutor, lines: string[]): QueryExecutor {
  const explain = async (query: CompiledQuery) => {
    const explained = await executor.executeQuery<{ 'QUERY PLAN': string }>({ ...query, sql: `explain ${query.sql}` });
    lines.push(...explained.rows.map((row) => row['QUERY PLAN']));
    return { rows: [] };
  };
  return new Proxy(executor, {
    get: (target, name) => {
      if (name === 'executeQuery') return explain;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
