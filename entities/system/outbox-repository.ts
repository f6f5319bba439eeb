import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import type { OutboxTopic } from '../../domain/system/outbox.ts';
import type { TaskStatus } from '../../domain/tasks/status.ts';
import { readWaitingJob, type WaitingJob, type WaitingJobRow } from '../tasks/waiting-job.ts';

/** A row of the outbox: what it is about, and which tasks it names. */
export interface OutboxEntry {
  readonly id: string;
  readonly taskIds: readonly TaskId[];
}

/** What the tasks of outbox rows say by now. */
export interface OutboxTask extends WaitingJob {
  readonly status: TaskStatus;
  readonly traceCount: number;
  /** Whether its cancel is still asked for: a redrive takes the wish back. */
  readonly cancelRequested: boolean;
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
   * Unsent rows of a topic older than this, locked until the unit of work ends; other relays skip them. First those that
   * were tried least often, so that one that cannot be sent holds up no other; among those, the oldest.
   */
  async claimUnsent(topic: OutboxTopic, olderThanMs: number, limit: number): Promise<OutboxEntry[]> {
    const result = await sql<{ id: string; task_id: string | null; named: readonly string[] | null }>`
      select id, task_id, payload -> 'taskIds' as named from muster.outbox
      where sent_at is null and topic = ${topic}
        and created_at <= now() - make_interval(secs => ${olderThanMs / 1000}::float8)
      order by attempts, created_at, id limit ${limit} for update skip locked`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      id: row.id,
      taskIds: (row.task_id === null ? (row.named ?? []) : [row.task_id]) as readonly TaskId[],
    }));
  }

  /** The tasks that rows name. Those that retention has removed are left out. */
  async tasksOf(entries: readonly OutboxEntry[]): Promise<ReadonlyMap<TaskId, OutboxTask>> {
    const ids = entries.flatMap((entry) => entry.taskIds);
    const result = await sql<WaitingJobRow & { status: TaskStatus; trace_count: number; cancelled: boolean }>`
      select id, tenant_id, task_queue, priority, created_at, concurrency_keys, status, trace_count,
        cancel_requested_at is not null as cancelled
      from muster.tasks where id = any(${ids}::uuid[])`.execute(this.#em.getKysely());
    return new Map(
      result.rows.map((row) => [
        row.id as TaskId,
        { ...readWaitingJob(row), status: row.status, traceCount: row.trace_count, cancelRequested: row.cancelled },
      ]),
    );
  }

  async markSent(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await sql`update muster.outbox set sent_at = now(), attempts = attempts + 1
      where id = any(${[...ids]}::bigint[]) and sent_at is null`.execute(this.#em.getKysely());
  }

  /** Notes why rows could not be sent. They stay unsent and come again. */
  async markFailed(ids: readonly string[], reason: string): Promise<void> {
    if (ids.length === 0) return;
    await sql`update muster.outbox set attempts = attempts + 1, last_error = ${reason.slice(0, 500)}
      where id = any(${[...ids]}::bigint[])`.execute(this.#em.getKysely());
  }
}
