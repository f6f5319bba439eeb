import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId, TraceId } from '../../../domain/ids.ts';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { taskWorkflowPrefix } from '../../../domain/tasks/execution.ts';
import { literal } from '../../common-expressions.ts';
import { column, constant } from '../../insert-from.ts';
import { givenList, givenValue } from '../../statements/given-values.ts';
import { type Places, statements } from '../../statements/statement.ts';
import { type TraceParts, traceRowsFrom } from '../../traces/event-rows.ts';
import { traced } from '../../traces/traced-statement.ts';
import type { Claimant } from '../claimant.ts';
import { CLAIM_COLUMNS, type ClaimedTaskRow } from '../claimed-task.ts';
import { OPEN } from '../expressions.ts';
import {
  areInOneBand,
  bandRuns,
  FULL_KEYS,
  GIVEN_RULES,
  hasRoom,
  isHosted,
  limitOf,
  rulesOf,
  settingsTable,
} from './claim-rules.ts';
import { FITTED, KEYS, NEEDS } from './slot-choice.ts';

/** Under which rules tasks are claimed, and with which parts of the trace. */
export interface ClaimRules {
  readonly settings: QueueSettings;
  readonly trace: TraceParts;
}

/** See `ClaimRepository.claim`. */
export function claimTasks(
  em: SqlEntityManager,
  wanted: ReadonlyMap<TaskId, TraceId>,
  { claimant, settings, trace }: ClaimRules & { readonly claimant: Claimant },
): Promise<readonly ClaimedTaskRow[]> {
  const ids = [...wanted.keys()];
  const traceIds = [...wanted.values()];
  const workflowPrefixes = ids.map(taskWorkflowPrefix);
  return CLAIM(trace).run(em, { ...rulesOf(settings), ...claimant, ids, traceIds, workflowPrefixes });
}

const GIVEN = {
  ...GIVEN_RULES,
  ids: givenList<TaskId>('uuid'),
  traceIds: givenList<TraceId>('uuid'),
  workflowPrefixes: givenList<string>('text'),
  workerId: givenValue<string>('text'),
  taskQueue: givenValue<string>('text'),
  handlers: givenList<string>('text'),
};
type Given = Places<typeof GIVEN>;

/**
 * SQL in its parts, because it gives out slots by windows and `generate_series`, and takes its tasks as lists; the builder
 * has words for neither. By tasks_pkey and concurrency_slots_pkey, whatever the statistics say: 50 tasks cost PostgreSQL
 * about 6 ms.
 */
const CLAIM = traced(GIVEN, (given, trace) =>
  statements
    .with(
      (table) => table('settings').materialized(),
      () => settingsTable(given),
    )
    .with(
      (table) => table('full_keys').materialized(),
      () => FULL_KEYS,
    )
    .with('wanted', () => wantedTable(given))
    .with('candidates', () => candidatesTable(given))
    .with(
      (table) => table('needs').materialized(),
      () => NEEDS,
    )
    .with(
      (table) => table('keys').materialized(),
      () => KEYS,
    )
    .with(
      (table) => table('fitted').materialized(),
      () => FITTED,
    )
    .with('chosen', () => CHOSEN)
    .with('taken', () => TAKEN)
    .with('claimed', () => claimedTable(given))
    .with('traced', () => OPENED)
    .with('started', () => trace.eventRowsFrom('claimed', { type: 'trace.started', seq: constant(1, 'integer') }))
    .selectFrom('claimed')
    .select([...CLAIM_COLUMNS, 'traceId'])
    .select(literal('in_progress').as('standing'))
    .$castTo<ClaimedTaskRow>()
    .unionAll((eb) =>
      eb
        .selectFrom('wanted as w')
        .innerJoin('agent_traces as r', 'r.id', 'w.traceId')
        .innerJoin('tasks as t', (join) => join.onRef('t.id', '=', 'r.taskId').onRef('t.traceCount', '=', 'r.number'))
        .select(CLAIM_COLUMNS.map((name) => `t.${name}` as const))
        .select('r.id as traceId')
        .select('t.status as standing')
        .where('t.status', 'in', OPEN)
        .where('t.claimedBy', '=', given.workerId)
        .$castTo<ClaimedTaskRow>(),
    ),
);

/** The trace of a fork is chosen already: what it has taken over is there, and its events come after the first one. */
function wantedTable({ ids, traceIds, workflowPrefixes }: Given): RawBuilder<{ traceId: TraceId }> {
  return sql`(
    select w.task_id, coalesce(f.next_trace_id, w.trace_id) as trace_id, w.workflow_prefix,
      coalesce(f.event_count, 0) + 2 as next_seq, f.origin_trace_id
    from unnest(${ids}, ${traceIds}, ${workflowPrefixes}) as w(task_id, trace_id, workflow_prefix)
    left join muster.task_forks f on f.task_id = w.task_id
  )`;
}

/** Worded so that no index of what waits fits: rows are found by their ids, however wrong the planner's statistics are. */
const IS_PENDING = sql<boolean>`t.status is not distinct from 'pending'`;

function candidatesTable(given: Given): RawBuilder<{ id: TaskId }> {
  return sql`(
    select t.id, t.tenant_id, t.priority, t.created_at, t.concurrency_keys, t.fence, w.trace_id, w.workflow_prefix,
      w.next_seq, w.origin_trace_id
    from muster.tasks t join wanted w on w.task_id = t.id
    where ${IS_PENDING} and t.task_queue = ${given.taskQueue}
      and ${isHosted('t', given.handlers)} and ${bandRuns('t', given)} and not ${isBehind(given)}
    for update of t skip locked
  )`;
}

/**
 * Whether a task has to let an earlier one of the same user and band go first. Only where the user's tasks take turns,
 * and only for one that could start now: nothing waits behind what cannot move. Between bands the queue decides.
 */
function isBehind(given: Given): RawBuilder<boolean> {
  return sql<boolean>`(t.user_id is not null
    and exists (select from unnest(t.concurrency_keys) as k(key) where k.key like 'user:%' and ${limitOf(sql`k.key`)} = 1)
    and exists (select from muster.tasks e
      where e.tenant_id = t.tenant_id and e.user_id = t.user_id and e.status = 'pending'
        and (e.priority, e.created_at, e.id) < (t.priority, t.created_at, t.id) and e.task_queue = t.task_queue
        and ${areInOneBand()}
        and ${bandRuns('e', given)} and ${hasRoom('e')} and ${isHosted('e', given.handlers)}))`;
}

const CHOSEN: RawBuilder<{ id: TaskId }> = sql`(
  select * from candidates
  where id not in (select n.id from needs n) or id in (select f.id from fitted f where f.fits)
)`;

const TAKEN: RawBuilder<{ key: string }> = sql`(
  insert into muster.concurrency_slots (key, slot, task_id, tenant_id, fence)
  select f.key, f.slots[1 + (f.first + f.place) % cardinality(f.slots)], c.id, c.tenant_id, c.fence + 1
  from fitted f join chosen c on c.id = f.id order by 1, 2
)`;

function claimedTable({ workerId }: Given): RawBuilder<Omit<ClaimedTaskRow, 'standing'>> {
  return sql`(
    update muster.tasks t set status = 'in_progress', fence = t.fence + 1, trace_count = t.trace_count + 1,
      claimed_by = ${workerId}, claimed_at = now(), checked_at = now(), started_at = coalesce(t.started_at, now())
    from chosen c where t.id = c.id
    returning t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
      t.conversation, t.trace_count, t.deadline_at, t.model_choice, c.trace_id, c.next_seq,
      c.workflow_prefix || t.trace_count as workflow_id,
      case when t.trace_count > 1 then
        (select o.id from muster.agent_traces o where o.task_id = t.id and o.number = t.trace_count - 1)
      else c.origin_trace_id end as origin_trace_id
  )`;
}

const OPENED = traceRowsFrom('claimed', {
  id: column('trace_id'),
  taskId: column('id'),
  number: column('trace_count'),
  graphId: column('graph_id'),
  workflowId: column('workflow_id'),
  user: column('user_id'),
  origin: column('origin_trace_id'),
  nextSeq: column('next_seq'),
});
