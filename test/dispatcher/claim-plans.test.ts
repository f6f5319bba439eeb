import assert from 'node:assert/strict';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import { WaitingRepository } from '../../entities/tasks/waiting-repository.ts';
import { TRACE } from '../../entities/traces/event-rows.ts';
import { planOf as explain } from '../support/explain.ts';
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
      const plan = await planOf((claims) => claims.claim(wanted, CLAIMANT, { settings: bed.settings, trace: TRACE }));

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

  const planOf = (ask: (claims: ClaimRepository, waiting: WaitingRepository) => Promise<unknown>): Promise<string> =>
    explain(bed.database, (em) => ask(new ClaimRepository(em), new WaitingRepository(em)));
});
