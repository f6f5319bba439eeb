import assert from 'node:assert/strict';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { OUTBOX_TOPICS } from '../../domain/system/outbox.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import { LeaseRepository } from '../../entities/agents/lease-repository.ts';
import { SupervisionRepository } from '../../entities/agents/supervision-repository.ts';
import { BudgetRepository } from '../../entities/budgets/budget-repository.ts';
import { claimMessages, claimStatusQueries } from '../../entities/messaging/claim-messages.ts';
import { MailboxRepository } from '../../entities/messaging/mailbox-repository.ts';
import { RetentionRepository } from '../../entities/retention/retention-repository.ts';
import { GaugeRepository } from '../../entities/system/gauge-repository.ts';
import { LimitSettingsRepository } from '../../entities/system/limit-settings-repository.ts';
import { OutboxRepository } from '../../entities/system/outbox-repository.ts';
import { DependencyRepository } from '../../entities/tasks/dependency-repository.ts';
import { occupiedPlaces } from '../../entities/tasks/occupied-places.ts';
import { QueueCountRepository } from '../../entities/tasks/queue-count-repository.ts';
import { ScheduleRepository } from '../../entities/tasks/schedule-repository.ts';
import { SlotRepository } from '../../entities/tasks/slot-repository.ts';
import { freeStaleSlots } from '../../entities/tasks/statements/free-stale-slots.ts';
import { takeMissingSlots } from '../../entities/tasks/statements/take-missing-slots.ts';
import { SuccessionRepository } from '../../entities/tasks/succession-repository.ts';
import { SuspectRepository } from '../../entities/tasks/suspect-repository.ts';
import { WaitingRepository } from '../../entities/tasks/waiting-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { ClaimBed, TASK_QUEUE } from '../dispatcher/claim-bed.ts';
import { planOf } from '../support/explain.ts';

const ROWS = 100_000;
const AGENT = crypto.randomUUID() as never;
const LEASE = crypto.randomUUID() as never;
const CLAIM = { quotas: [{ agentId: AGENT, quota: 10 }], owner: 'process', leaseId: LEASE, leaseMs: 30_000 };
const EXPIRED = { id: LEASE, tenant: 'default' as never, process: 'p', agentIds: [AGENT], fence: 1, silentSeconds: 60 };

/** What workers and the supervision ask again and again, however little there is to do. */
const LOOKS: Readonly<Record<string, (em: SqlEntityManager, bed: ClaimBed) => Promise<unknown>>> = {
  'for open traces of ended tasks': (em) => new TraceRepository(em).unfinished(50),
  'for tasks that may have lost their workflow': (em) => new SuspectRepository(em).unchecked('occupying', 20, 50),
  'for waiting tasks that may have lost it': (em) => new SuspectRepository(em).unchecked('waiting', 600, 50),
  'for tasks that occupy places': (em) => occupiedPlaces(em, 'worker'),
  'for tasks that should have ended': (em) => new SuspectRepository(em).overdue(30, 50),
  'for deferred tasks that are due': (em) => new ScheduleRepository(em).releaseDue(500),
  'for tasks that missed their deadline': (em) => new ScheduleRepository(em).failLate(500),
  'for blocked tasks without hope': (em) => new DependencyRepository(em).failHopeless('behind recent ends'),
  'for blocked tasks that may go': (em) => new DependencyRepository(em).unblock('behind recent ends'),
  'for series that stand still': (em) => new SuccessionRepository(em).withoutSuccessor(500),
  'for tasks that wait, to be counted': (em) => new WaitingRepository(em).count(TASK_QUEUE),
  'for slots that are held': (em) => new SlotRepository(em).held(TASK_QUEUE),
  'for slots that nobody holds': (em, bed) => freeStaleSlots(em, bed.settings),
  'for slots that are missing': (em, bed) => takeMissingSlots(em, { ...bed.settings, limits: { 'graph:*': 5 } }),
  'for figures of the installation': (em) => new GaugeRepository(em).read(),
  'for tasks by status': (em) => new QueueCountRepository(em).tasks(),
  'for figures of each tenant': (em) => new QueueCountRepository(em).tenants(),
  'for limits and living processes': (em) => new LimitSettingsRepository(em).read(),
  'for workers of earlier versions': (em) => new HostingRepository(em).hasEarlierWorker(),
  'for leases that ran out': (em) => new LeaseRepository(em).expire(45),
  'for budget reservations of dead processes': (em) => new BudgetRepository(em).endDead(500),
  'for signs of life': (em) => new SupervisionRepository(em).vitals(),
  'for agents to declare offline': (em) => new SupervisionRepository(em).declareOffline([AGENT]),
  'for messages of silent processes': (em) => new SupervisionRepository(em).reroute([EXPIRED]),
  'for agents that were lost': (em) => new SupervisionRepository(em).raiseAlerts(),
  'for leases that are long over': (em) => new SupervisionRepository(em).forgetOldLeases(),
  'for messages to handle': (em) => claimMessages(em, CLAIM),
  'for questions after the status': (em) => claimStatusQueries(em, CLAIM),
  'for messages whose time has passed': (em) => new MailboxRepository(em).expire([AGENT]),
  ...Object.fromEntries(
    OUTBOX_TOPICS.map((topic) => [
      `for unsent rows of ${topic}`,
      (em: SqlEntityManager) => new OutboxRepository(em).claimUnsent(topic, 1_000, 50),
    ]),
  ),
};

describe(`the looks that loops repeat, with ${ROWS} tasks, traces, messages and outbox rows of the past`, () => {
  let bed: ClaimBed;

  before(async () => {
    bed = await ClaimBed.open('periodic-plans', 2);
    const [model] = await bed.insert({}, 1);
    await bed.insert({}, 200);
    await bed.asSuperuser(past(model ?? ''));
  });
  after(() => bed?.close());

  for (const [what, look] of Object.entries(LOOKS)) {
    it(`${what}: read none of it`, async () => {
      const plan = await planOf(bed.database, (em) => look(em, bed));

      assert.doesNotMatch(plan, /Seq Scan on (tasks|agent_traces|outbox|agent_messages|agent_leases)/, plan);
    });
  }

  const OLD = { tasks: 'tasks_ended_index', agent_traces: 'agent_traces_ended_index', outbox: 'outbox_sent_index' };
  for (const [resource, index] of Object.entries(OLD)) {
    it(`for old rows of ${resource}: find a batch by ${index}, and delete it by its places`, async () => {
      const rule = { resource: resource as keyof typeof OLD, maxAgeDays: 90, batchSize: 1_000, enabled: true };

      const plan = await planOf(bed.database, (em) => new RetentionRepository(em).prune(rule));

      assert.match(plan, new RegExp(`Limit[\\s\\S]*${index}[\\s\\S]*Tid Scan on ${resource}`));
      assert.doesNotMatch(plan, /Seq Scan/);
    });
  }

  it('take unsent rows of the outbox in their order, without sorting them', async () => {
    const plan = await planOf(bed.database, (em) => new OutboxRepository(em).claimUnsent('task.submitted', 1_000, 50));

    assert.match(plan, /outbox_relay_index/);
    assert.doesNotMatch(plan, /Sort/);
  });
});

/** Copies of a task that ended days ago, each with its trace, its outbox row and a message. */
function past(model: string): string {
  const ago = "now() - interval '2 days' - n * interval '1 second'";
  return `
    create temporary table made as select n, gen_random_uuid() as id from generate_series(1, ${ROWS}) as n;
    insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, request_hash, input, status, fence,
        trace_count, concurrency_keys, created_at, claimed_at, checked_at, started_at, completed_at)
      select m.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.request_hash, t.input, 'completed', 1,
        1, t.concurrency_keys, ${ago}, ${ago}, ${ago}, ${ago}, ${ago}
      from muster.tasks t cross join made m where t.id = '${model}';
    insert into muster.agent_traces (id, tenant_id, task_id, number, graph_id, workflow_id, status, created_at, finished_at)
      select gen_random_uuid(), t.tenant_id, m.id, 1, t.graph_id, 'task/' || m.id, 'completed', ${ago}, ${ago}
      from muster.tasks t cross join made m where t.id = '${model}';
    insert into muster.outbox (tenant_id, topic, task_id, created_at, sent_at)
      select 'default', 'task.finished', m.id, ${ago}, ${ago} from made m;
    insert into muster.outbox (tenant_id, topic, payload) select 'default', 'task.submitted', '{"taskIds":[]}'
      from generate_series(1, 5000);
    insert into muster.agent_messages ("timestamp", id, tenant_id, message_type, payload, status, processed_at)
      select ${ago}, gen_random_uuid(), 'default', 'event', '{}', 'processed', ${ago} from made;
    insert into muster.agent_leases (id, tenant_id, process, public_key, fence, granted_at, renewed_at, ended_at, end_reason)
      select gen_random_uuid(), 'default', 'process ' || n, '', n, ${ago}, ${ago}, ${ago}, 'stopped'
      from made where n <= 20000;
    analyze muster.tasks, muster.agent_traces, muster.outbox, muster.agent_messages, muster.agent_leases`;
}
