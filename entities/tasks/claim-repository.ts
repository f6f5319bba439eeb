import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { taskWorkflowPrefix } from '../../domain/tasks/workflow-id.ts';
import {
  areInOneBand,
  bandRuns,
  type Claimant,
  hasRoom,
  isHosted,
  isInBand,
  limitOf,
  ruleTables,
} from './claim-rules.ts';
import { type ClaimedTask, type ClaimedTaskRow, readClaimedTask } from './claimed-task.ts';

/** How a task stands that waits although its claim was refused. */
export interface Standing {
  readonly taskId: TaskId;
  readonly hosted: boolean;
  /** What of its handlers is not hosted, as `kind:name`. */
  readonly missing: readonly string[];
}

/** Which of the tasks that could start come first. */
export type ReadyTurn = 'highest' | 'lowest' | 'longest';

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));
/** Worded so that no index of what waits fits: rows are found by their ids, however wrong the planner's statistics are. */
const IS_PENDING = sql<boolean>`t.status is not distinct from 'pending'`;
/** Free slots that a claim considers beyond those it needs: the more, the rarer two claims at once meet in one. */
const SPARE_SLOTS = { perTask: 8, always: 64 };

/** What a dispatcher does with tasks of all tenants. Needs a system unit of work. Every method is one statement. */
export class ClaimRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Moves pending tasks to `in_progress` under a new fence, takes a slot of each of their limited keys and opens a trace
   * for each, with its first event when `record` is set: one statement, all or none. Left out is what is not pending,
   * not hosted, paused, or has a full key; and, so that tasks of a user that never overlap also start in order, a task
   * of such a user behind an earlier one that could start. Of the tasks that were asked for, the first one with room in
   * all its keys is always among the claimed.
   *
   * Two claims at once that choose the same slot collide on the primary key (SQLSTATE 23505): the later one changes
   * nothing and may be repeated; the other one has succeeded. Repeating it with the same trace ids, after a commit whose
   * answer was lost, returns what it claimed.
   */
  async claim(
    wanted: ReadonlyMap<TaskId, TraceId>,
    claimant: Claimant,
    { settings, record }: { readonly settings: QueueSettings; readonly record: boolean },
  ): Promise<ClaimedTask[]> {
    const result = await sql<ClaimedTaskRow>`
      with ${ruleTables(settings)}, ${wantedTable(wanted)}, candidates as (
        select t.id, t.tenant_id, t.priority, t.created_at, t.concurrency_keys, t.fence, w.trace_id, w.workflow_prefix
        from muster.tasks t join wanted w on w.task_id = t.id
        where ${IS_PENDING} and t.task_queue = ${claimant.taskQueue}
          and ${isHosted('t', claimant)} and ${bandRuns('t', settings)} and not ${isBehind(claimant, settings)}
        for update of t skip locked
      ), ${SLOT_CHOICE}, chosen as (
        select * from candidates
        where id not in (select n.id from needs n) or id in (select f.id from fitted f where f.fits)
      ), taken as (
        insert into muster.concurrency_slots (key, slot, task_id, tenant_id, fence)
        select f.key, f.slots[1 + (f.first + f.place) % cardinality(f.slots)], c.id, c.tenant_id, c.fence + 1
        from fitted f join chosen c on c.id = f.id order by 1, 2
      ), claimed as (
        update muster.tasks t set status = 'in_progress', fence = t.fence + 1, trace_count = t.trace_count + 1,
          claimed_by = ${claimant.workerId}, claimed_at = now(), checked_at = now(),
          started_at = coalesce(t.started_at, now())
        from chosen c where t.id = c.id
        returning t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
          t.trace_count, t.deadline_at, c.trace_id, c.workflow_prefix
      ), traced as (
        insert into muster.agent_traces (id, tenant_id, task_id, number, graph_id, workflow_id, status, user_id,
          next_seq, origin_trace_id)
        select trace_id, tenant_id, id, trace_count, graph_id, workflow_prefix || trace_count, 'running', user_id, 2,
          case when trace_count > 1 then
            (select o.id from muster.agent_traces o where o.task_id = claimed.id and o.number = claimed.trace_count - 1)
          end
        from claimed
      ), started as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, at)
        select trace_id, 1, tenant_id, 'trace.started', clock_timestamp() from claimed where ${record}
      )
      select id, tenant_id, graph_id, graph_name, task_queue, title, priority, user_id, fence, trace_count, deadline_at,
        trace_id, false as paused
      from claimed
      union all
      select t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
        t.trace_count, t.deadline_at, r.id, t.status = 'paused'
      from wanted w join muster.agent_traces r on r.id = w.trace_id
        join muster.tasks t on t.id = r.task_id and t.trace_count = r.number and t.status in (${OPEN})`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map(readClaimedTask);
  }

  /**
   * Tasks that could start now, by tasks_claim_index: what works when Redis does not. Limits and pauses hold; weights do
   * not count. The highest band comes first, or the lowest, or what has waited longest beyond the ageing time.
   */
  async ready(
    claimant: Pick<Claimant, 'taskQueue' | 'handlers'>,
    settings: QueueSettings,
    { limit, turn = 'highest' }: { readonly limit: number; readonly turn?: ReadyTurn },
  ): Promise<TaskId[]> {
    const readyWhere = (condition: RawBuilder<boolean>) => sql`(
      select t.id, t.created_at from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${claimant.taskQueue} and ${condition}
        and ${bandRuns('t', settings)} and ${hasRoom('t')} and ${isHosted('t', claimant)}
      order by t.priority, t.created_at, t.id limit ${limit})`;
    const bands = sql.join(
      PRIORITY_BANDS.toReversed().map((band) => readyWhere(isInBand('t', band))),
      sql` union all `,
    );
    const oldest = sql`select * from (${bands}) b
      where b.created_at < now() - make_interval(secs => ${settings.ageingSeconds}) order by b.created_at`;
    const found = { highest: readyWhere(sql<boolean>`true`), lowest: sql`(${bands})`, longest: sql`(${oldest})` }[turn];
    const result = await sql<{ id: TaskId }>`
      with ${ruleTables(settings)} select r.id from ${found} r limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map((row) => row.id);
  }

  /** Which refused candidates still wait, and whether they could start here at all. */
  async standing(ids: readonly TaskId[], claimant: Pick<Claimant, 'handlers'>): Promise<Standing[]> {
    const result = await sql<{ id: TaskId; missing: string[] }>`
      select t.id, array(select distinct c.component_type || ':' || c.handler from muster.agent_components c
        where c.graph_id = t.graph_id and c.handler is not null
          and c.component_type || ':' || c.handler <> all (${[...claimant.handlers]}::text[])) as missing
      from muster.tasks t where t.id = any(${[...ids]}::uuid[]) and t.status = 'pending'`.execute(this.#em.getKysely());
    return result.rows.map(({ id, missing }) => ({ taskId: id, hosted: missing.length === 0, missing }));
  }

  /** Whether a claim still counts: its task is open, and nobody claimed it since. */
  async isOpen({ taskId, fence }: Pick<ExecutionRef, 'taskId' | 'fence'>): Promise<boolean> {
    const result = await sql`
      select id from muster.tasks where id = ${taskId} and fence = ${fence} and status in (${OPEN})`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length === 1;
  }
}

function wantedTable(wanted: ReadonlyMap<TaskId, TraceId>): RawBuilder<unknown> {
  const ids = [...wanted.keys()];
  return sql`wanted as (
    select * from unnest(${ids}::uuid[], ${[...wanted.values()]}::uuid[], ${ids.map(taskWorkflowPrefix)}::text[])
      as w(task_id, trace_id, workflow_prefix)
  )`;
}

/**
 * Whether a task has to let an earlier one of the same user and band go first. Only where the user's tasks take turns,
 * and only for one that could start now: nothing waits behind what cannot move. Between bands the queue decides.
 */
function isBehind(claimant: Claimant, settings: QueueSettings): RawBuilder<boolean> {
  return sql<boolean>`(t.user_id is not null
    and exists (select from unnest(t.concurrency_keys) as k(key) where k.key like 'user:%' and ${limitOf(sql`k.key`)} = 1)
    and exists (select from muster.tasks e
      where e.tenant_id = t.tenant_id and e.user_id = t.user_id and e.status = 'pending'
        and (e.priority, e.created_at, e.id) < (t.priority, t.created_at, t.id) and e.task_queue = t.task_queue
        and ${areInOneBand()}
        and ${bandRuns('e', settings)} and ${hasRoom('e')} and ${isHosted('e', claimant)}))`;
}

/**
 * Gives candidates places in line for the slots of their limited keys. `needs`: which limited keys each has. `keys`: the
 * lowest free slots of each key, as many as there is room for at most, and a random one to begin with. `fitted`: each
 * need with its place among those of the same key; `fits` when the task has a slot in every one of its keys. Tasks with
 * a full key stand in no line.
 *
 * Why a limit stays exact: a key with `most` slots of which `held` are held gives out only its `most - held` lowest free
 * ones. So whatever claims do at once, they share that many numbers, and the primary key gives each to one. It holds
 * for slots above a limit that was lowered too, which count as held and are not given out again.
 */
const SLOT_CHOICE = sql`
  needs as materialized (
    select c.id, c.priority, c.created_at, k.key, ${limitOf(sql`k.key`)} as most
    from candidates c cross join unnest(c.concurrency_keys) as k(key) where ${limitOf(sql`k.key`)} is not null
  ), keys as materialized (
    select h.key, free.slots, floor(random() * cardinality(free.slots))::int as first
    from (
      select n.key, n.most, count(*)::int as wanted,
        (select count(*)::int from muster.concurrency_slots s where s.key = n.key) as held
      from needs n group by n.key, n.most
    ) h cross join lateral (
      select array(
        select g.slot
        from generate_series(1,
          least(h.most, h.held + ${sql.lit(SPARE_SLOTS.perTask)} * h.wanted + ${sql.lit(SPARE_SLOTS.always)})) as g(slot)
        where not exists (select from muster.concurrency_slots s where s.key = h.key and s.slot = g.slot)
        order by g.slot limit greatest(0, h.most - h.held)
      ) as slots offset 0
    ) free
  ), lines as (
    select n.*, k.slots, k.first, bool_and(cardinality(k.slots) > 0) over (partition by n.id) as has_room
    from needs n join keys k on k.key = n.key
  ), places as (
    select l.*, (row_number() over (partition by l.key order by l.priority, l.created_at, l.id))::int - 1 as place
    from lines l where l.has_room
  ), fitted as materialized (
    select p.*, bool_and(p.place < cardinality(p.slots)) over (partition by p.id) as fits from places p
  )`;
