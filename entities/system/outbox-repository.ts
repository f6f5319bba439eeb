import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { storableText } from '../../domain/json.ts';
import type { OutboxTopic } from '../../domain/system/outbox.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { tables } from '../tables.ts';
import { anyOf } from '../tasks/expressions.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from '../tasks/waiting-job.ts';

/** A row of the outbox: what it is about, and which tasks it names. */
export interface OutboxEntry {
  readonly id: string;
  readonly taskIds: readonly TaskId[];
  /** The number of the trace whose workflow is to be terminated; null for every other row. */
  readonly traceNumber: number | null;
}

/** A row that could not be sent. */
export interface UnsentEntry {
  readonly id: string;
  readonly reason: string;
}

/** What the tasks of outbox rows say by now. */
export interface OutboxTask extends WaitingJob {
  readonly status: TaskStatus;
  readonly traceCount: number;
  /** Whether its cancel is still asked for: a redrive takes the wish back. */
  readonly cancelRequested: boolean;
}

interface EntryRow {
  readonly id: string;
  readonly task_id: string | null;
  readonly named: readonly string[] | null;
  readonly trace_number: string | null;
}

const MAX_REASON_CHARACTERS = 500;

function unsentTable(unsent: readonly UnsentEntry[]): RawBuilder<unknown> {
  const reasons = unsent.map(({ reason }) => storableText(reason.slice(0, MAX_REASON_CHARACTERS)));
  return sql`unnest(${unsent.map(({ id }) => id)}::bigint[], ${reasons}::text[]) as u(id, reason)`;
}

/**
 * The outbox, read by state and never by position: a row with a lower id may commit later than one with a higher id.
 * Needs a system unit of work. Every method is one statement.
 */
export class OutboxRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Unsent rows of a topic older than this whose next try has come, locked until the unit of work ends; other relays skip
   * them. First those that were tried least often, so that one that cannot be sent holds up no other; among those, the
   * oldest.
   */
  async claimUnsent(topic: OutboxTopic, olderThanMs: number, limit: number): Promise<OutboxEntry[]> {
    const result = await sql<EntryRow>`
      select id, task_id, payload -> 'taskIds' as named, payload ->> 'traceNumber' as trace_number from muster.outbox
      where sent_at is null and topic = ${topic} and coalesce(next_try_at <= now(), true)
        and created_at <= now() - make_interval(secs => ${olderThanMs / 1000}::float8)
      order by attempts, created_at, id limit ${limit} for update skip locked`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      id: row.id,
      taskIds: (row.task_id === null ? (row.named ?? []) : [row.task_id]) as readonly TaskId[],
      traceNumber: row.trace_number === null ? null : Number(row.trace_number),
    }));
  }

  /** The tasks that rows name. Those that retention has removed are left out. */
  async tasksOf(entries: readonly OutboxEntry[]): Promise<ReadonlyMap<TaskId, OutboxTask>> {
    const ids = entries.flatMap((entry) => entry.taskIds);
    const tasks = await tables(this.#em)
      .selectFrom('tasks')
      .select([...JOB_COLUMNS, 'status', 'traceCount', 'cancelRequestedAt'])
      .where('id', '=', anyOf(ids))
      .execute();
    return new Map(
      tasks.map(({ cancelRequestedAt, ...task }) => [
        task.id,
        {
          ...readWaitingJob(task),
          status: task.status,
          traceCount: task.traceCount,
          cancelRequested: cancelRequestedAt !== null,
        },
      ]),
    );
  }

  async markSent(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await sql`update muster.outbox set sent_at = now(), attempts = attempts + 1
      where id = any(${[...ids]}::bigint[]) and sent_at is null`.execute(this.#em.getKysely());
  }

  /**
   * Notes why rows could not be sent. They stay unsent and come again: after one second, and after twice as long each
   * time, up to this many.
   */
  async markFailed(unsent: readonly UnsentEntry[], mostSeconds: number): Promise<void> {
    if (unsent.length === 0) return;
    await sql`
      update muster.outbox o set attempts = o.attempts + 1, last_error = u.reason,
        next_try_at = now() + make_interval(secs => least(${mostSeconds}::float8, power(2, least(o.attempts, 20))))
      from ${unsentTable(unsent)} where o.id = u.id and o.sent_at is null`.execute(this.#em.getKysely());
  }

  /** Gives rows up that are refused for good. They count as sent, and say why they were not. */
  async refuse(unsent: readonly UnsentEntry[]): Promise<void> {
    if (unsent.length === 0) return;
    await sql`
      update muster.outbox o set attempts = o.attempts + 1, last_error = u.reason, refused_at = now(), sent_at = now()
      from ${unsentTable(unsent)} where o.id = u.id and o.sent_at is null`.execute(this.#em.getKysely());
  }
}
