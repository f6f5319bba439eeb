import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { type JsonObject, storableText } from '../../domain/json.ts';
import type { OutboxTopic } from '../../domain/system/outbox.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { ago, ahead, anyOf, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { givenList, givenRows, givenValue } from '../statements/given-values.ts';
import { Statement, statements } from '../statements/statement.ts';
import { tables } from '../tables.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from '../tasks/waiting-job.ts';

/** A row of the outbox: what it is about, and which tasks it names. */
export interface OutboxEntry {
  readonly id: string;
  readonly taskIds: readonly TaskId[];
  /** The number of the trace whose workflow is to be terminated, or told; null for every other row. */
  readonly traceNumber: number | null;
  /** The approval that was decided, or the wait that is over; null for every other row. */
  readonly waitId: string | null;
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

const MAX_REASON_CHARACTERS = 500;
/** From here on a row waits the most that it may between two tries, whatever that is. */
const MOST_DOUBLINGS = 20;

const CLAIM = new Statement(
  {
    topic: givenValue<OutboxTopic>('text'),
    olderThanSeconds: givenValue<number>('float8'),
    limit: givenValue<number>('int'),
  },
  ({ topic, olderThanSeconds, limit }) =>
    statements
      .selectFrom('outbox')
      .select(['id', 'taskId', 'payload'])
      .where('sentAt', 'is', null)
      .where('topic', '=', topic)
      .where((eb) => eb.fn.coalesce(eb('nextTryAt', '<=', now()), sql.lit(true)))
      .where('createdAt', '<=', ago(olderThanSeconds))
      .orderBy('attempts')
      .orderBy('createdAt')
      .orderBy('id')
      .limit(limit)
      .forUpdate()
      .skipLocked(),
);

const SENT = new Statement({ ids: givenList<string>('bigint') }, ({ ids }) =>
  statements
    .updateTable('outbox')
    .set((eb) => ({ sentAt: now(), attempts: eb('attempts', '+', 1) }))
    .where((eb) => eb('id', '=', eb.fn.any(ids)))
    .where('sentAt', 'is', null),
);

const UNSENT = { unsent: givenRows<UnsentEntry>({ id: 'bigint', reason: 'text' }) };

const FAILED = new Statement({ ...UNSENT, mostSeconds: givenValue<number>('float8') }, ({ unsent, mostSeconds }) =>
  statements
    .updateTable('outbox as o')
    .from(unsent.as('u'))
    .set((eb) => {
      const doublings = eb.fn('least', ['o.attempts', eb.lit(MOST_DOUBLINGS)]);
      const seconds = eb.fn<number>('least', [mostSeconds, eb.fn('power', [eb.lit(2), doublings])]);
      return { attempts: eb('o.attempts', '+', 1), lastError: eb.ref('u.reason'), nextTryAt: ahead(seconds) };
    })
    .whereRef('o.id', '=', 'u.id')
    .where('o.sentAt', 'is', null),
);

const REFUSED = new Statement(UNSENT, ({ unsent }) =>
  statements
    .updateTable('outbox as o')
    .from(unsent.as('u'))
    .set((eb) => ({
      attempts: eb('o.attempts', '+', 1),
      lastError: eb.ref('u.reason'),
      refusedAt: now(),
      sentAt: now(),
    }))
    .whereRef('o.id', '=', 'u.id')
    .where('o.sentAt', 'is', null),
);

/**
 * The outbox, read by state and never by position: a row with a lower id may commit later than one with a higher id.
 * Needs a system unit of work. Every method is one statement.
 */
export class OutboxRepository extends Repository {
  /**
   * Unsent rows of a topic older than this whose next try has come, locked until the unit of work ends; other relays skip
   * them. First those that were tried least often, so that one that cannot be sent holds up no other; among those, the
   * oldest.
   */
  async claimUnsent(topic: OutboxTopic, olderThanMs: number, limit: number): Promise<OutboxEntry[]> {
    const rows = await CLAIM.run(this.em, { topic, olderThanSeconds: olderThanMs / 1000, limit });
    return rows.map(({ id, taskId, payload }) => ({
      id,
      taskIds: taskId === null ? namedTasks(payload) : [taskId],
      traceNumber: typeof payload.traceNumber === 'number' ? payload.traceNumber : null,
      waitId: waitIn(payload),
    }));
  }

  /** The tasks that rows name. Those that retention has removed are left out. */
  async tasksOf(entries: readonly OutboxEntry[]): Promise<ReadonlyMap<TaskId, OutboxTask>> {
    const ids = entries.flatMap((entry) => entry.taskIds);
    const tasks = await tables(this.em)
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
    await SENT.change(this.em, { ids });
  }

  /**
   * Notes why rows could not be sent. They stay unsent and come again: after one second, and after twice as long each
   * time, up to this many.
   */
  async markFailed(unsent: readonly UnsentEntry[], mostSeconds: number): Promise<void> {
    if (unsent.length === 0) return;
    await FAILED.change(this.em, { unsent: storable(unsent), mostSeconds });
  }

  /** Gives rows up that are refused for good. They count as sent, and say why they were not. */
  async refuse(unsent: readonly UnsentEntry[]): Promise<void> {
    if (unsent.length === 0) return;
    await REFUSED.change(this.em, { unsent: storable(unsent) });
  }
}

function storable(unsent: readonly UnsentEntry[]): readonly UnsentEntry[] {
  return unsent.map(({ id, reason }) => ({ id, reason: storableText(reason.slice(0, MAX_REASON_CHARACTERS)) }));
}

function waitIn({ approvalId, waitId = approvalId }: JsonObject): string | null {
  return typeof waitId === 'string' ? waitId : null;
}

/** The tasks that the row of a submit names. */
function namedTasks({ taskIds }: JsonObject): readonly TaskId[] {
  return Array.isArray(taskIds) ? taskIds.filter((id): id is TaskId => typeof id === 'string') : [];
}
