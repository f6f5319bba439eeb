import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { OutboxTopic } from '../../domain/system/outbox.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/status.ts';
import { readDate } from '../read-row.ts';

/** An outbox row together with what its task says by now. */
export interface OutboxEntry {
  readonly id: string;
  readonly topic: OutboxTopic;
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly status: TaskStatus;
  readonly user: string | null;
  readonly traceCount: number;
  readonly taskQueue: string;
  readonly band: PriorityBand;
  readonly createdAtMs: number;
}

/**
 * The outbox, read by state and never by position: a row with a lower id may commit later than one with a higher id.
 * Needs a system unit of work.
 */
export class OutboxRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Unsent rows older than this, oldest first, locked until the unit of work ends; other relays skip them. */
  async claimUnsent(olderThanMs: number, limit: number): Promise<OutboxEntry[]> {
    const result = await sql<Record<string, unknown>>`
      select o.id, o.topic, o.tenant_id, o.task_id, t.status, t.user_id, t.trace_count, t.task_queue, t.priority,
        t.created_at
      from muster.outbox o join muster.tasks t on t.id = o.task_id
      where o.sent_at is null and o.created_at <= now() - make_interval(secs => ${olderThanMs / 1000}::float8)
      order by o.created_at, o.id limit ${limit} for update of o skip locked`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      id: row.id as string,
      topic: row.topic as OutboxTopic,
      tenant: row.tenant_id as TenantId,
      taskId: row.task_id as TaskId,
      status: row.status as TaskStatus,
      user: row.user_id as string | null,
      traceCount: row.trace_count as number,
      taskQueue: row.task_queue as string,
      band: bandOfPriority(row.priority as number),
      createdAtMs: readDate(row.created_at as string).getTime(),
    }));
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
