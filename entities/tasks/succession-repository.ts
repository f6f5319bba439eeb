import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { type Recurrence, readRecurrence } from '../../domain/tasks/recurrence.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { readDate } from '../read-row.ts';
import { readWaitingJob, WAITING_JOB_COLUMNS, type WaitingJob, type WaitingJobRow } from './waiting-job.ts';

/** An ended task that something may follow from. */
export interface EndWithConsequences {
  readonly taskId: TaskId;
  /** Whether tasks are blocked behind it. */
  readonly blocks: boolean;
  /** The series that goes on after it; null for none, for one that goes on already, and for one that cannot be read. */
  readonly series: Series | null;
}

/** Where a series stands. */
export interface Series {
  readonly recurrence: Recurrence;
  /** When its last task was due. */
  readonly scheduledAt: Date;
  /** By PostgreSQL's clock. */
  readonly now: Date;
}

/** The next task of a series. The artifact's id is used if its predecessor's input is in one. */
export interface Successor {
  readonly id: TaskId;
  readonly artifactId: string;
  readonly startAt: Date;
}

interface ConsequencesRow {
  readonly id: string;
  readonly recurrence: unknown;
  readonly scheduled_at: string;
  readonly now: string;
  readonly blocks: boolean;
}

/** How far back the sweep looks for series that stand still. What ended before was carried out of the outbox. */
const SWEEP_DAYS = 1;
const CONTINUES = sql`t.recurrence is not null and t.status in ('completed', 'failed')
  and not exists (select from muster.tasks s where s.predecessor_id = t.id)`;

/** What follows from the end of a task. Needs a system unit of work. Every method is one statement. */
export class SuccessionRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Those of the ended tasks from which something follows. */
  async consequences(ids: readonly TaskId[]): Promise<EndWithConsequences[]> {
    const result = await sql<ConsequencesRow>`
      with ended as (
        select t.id, coalesce(t.start_after, t.created_at) as scheduled_at, now() as now,
          case when ${CONTINUES} then t.recurrence end as recurrence,
          exists (select from muster.task_dependencies d where d.depends_on_task_id = t.id) as blocks
        from muster.tasks t where t.id = any(${[...ids]}::uuid[]) and t.completed_at is not null
      )
      select * from ended where blocks or recurrence is not null`.execute(this.#em.getKysely());
    return result.rows.map(readConsequences);
  }

  /** Ended tasks whose series does not go on although it should, by tasks_recurring_index. */
  async withoutSuccessor(limit: number): Promise<EndWithConsequences[]> {
    const result = await sql<ConsequencesRow>`
      select t.id, coalesce(t.start_after, t.created_at) as scheduled_at, now() as now, t.recurrence, false as blocks
      from muster.tasks t
      where t.completed_at > now() - make_interval(days => ${SWEEP_DAYS}) and ${CONTINUES}
      limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readConsequences);
  }

  /**
   * Writes the next task of a series: like its predecessor, with its own copy of a large input. The unique predecessor
   * makes it one, whoever asks and however often.
   * @returns its job if it may start at once; null if it waits for its time, or is there already
   */
  async succeed(predecessor: TaskId, { id, artifactId, startAt }: Successor): Promise<WaitingJob | null> {
    const result = await sql<WaitingJobRow & { status: TaskStatus }>`
      with before as (
        select t.*, ${startAt}::timestamptz as start_at,
          ${startAt}::timestamptz - coalesce(t.start_after, t.created_at) as distance
        from muster.tasks t where t.id = ${predecessor} and ${CONTINUES}
      ), created as (
        insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, description, status, priority,
          user_id, request_hash, input, input_artifact_id, start_after, due_date, deadline_at, concurrency_keys,
          recurrence, predecessor_id, budget, created_by, assigned_to, metadata)
        select ${id}::uuid, b.tenant_id, b.graph_id, b.graph_name, g.task_queue, b.title, b.description,
          case when b.start_at > now() then 'deferred' else 'pending' end, b.priority, b.user_id, b.request_hash,
          b.input, case when b.input_artifact_id is not null then ${artifactId}::uuid end, b.start_at,
          b.due_date + b.distance, b.deadline_at + b.distance, b.concurrency_keys, b.recurrence, b.id, b.budget,
          b.created_by, b.assigned_to, b.metadata
        from before b join muster.agent_graphs g on g.id = b.graph_id
        on conflict do nothing
        returning *
      ), copied as (
        insert into muster.artifacts (id, tenant_id, task_id, name, media_type, sha256, size_bytes, content)
        select c.input_artifact_id, c.tenant_id, c.id, a.name, a.media_type, a.sha256, a.size_bytes, a.content
        from created c cross join before b join muster.artifacts a on a.id = b.input_artifact_id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, 'muster', 'task.repeated', 'task', id::text,
          jsonb_build_object('predecessor', predecessor_id) from created
      ), sent as (
        insert into muster.outbox (tenant_id, topic, payload)
        select tenant_id, 'task.submitted', jsonb_build_object('taskIds', jsonb_build_array(id))
        from created where status = 'pending'
      )
      select ${WAITING_JOB_COLUMNS} from created where status = 'pending'`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readWaitingJob(result.rows[0]);
  }
}

function readConsequences(row: ConsequencesRow): EndWithConsequences {
  const recurrence = row.recurrence === null ? null : readRecurrence(row.recurrence);
  const times = { scheduledAt: readDate(row.scheduled_at), now: readDate(row.now) };
  return {
    taskId: row.id as TaskId,
    blocks: row.blocks,
    series: recurrence === null ? null : { recurrence, ...times },
  };
}
