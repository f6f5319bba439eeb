import { sql as mapped } from '@mikro-orm/core';
import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool, sql } from 'kysely';
import { OPEN_TURN_STATES } from '../../domain/conversations/turn-state.ts';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { RetentionResource } from '../../domain/retention/retention.ts';
import { TERMINAL_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { ago, literal, now } from '../common-expressions.ts';
import { asDead } from '../messaging/message-expressions.ts';
import { Repository } from '../repository.ts';
import { type Tables, tables } from '../tables.ts';
import { RetentionPolicy } from './retention-policy.ts';

/** A policy row. */
export type RetentionRule = Pick<RetentionPolicy, 'resource' | 'maxAgeDays' | 'batchSize' | 'enabled'>;

/** Rows of a table that are older than a moment. */
type Expired<Table extends keyof Tables> = (
  eb: ExpressionBuilder<Tables, Table>,
  before: Expression<Date>,
) => Expression<SqlBool>;

/**
 * What each table holds beyond its policy: only rows that have ended, never anything of an open task; what was imported counts
 * from then. A task takes its traces, runs, events, artifacts and effects with it, a conversation its turns. The other policies
 * are for those who keep tasks longer than what was recorded about them; rows whose task or trace is missing go by them too.
 */
const EXPIRED: { readonly [Resource in RetentionResource]: Expired<Resource> } = {
  tasks: (eb, before) =>
    eb('completedAt', '<', before).and(eb.or([eb('importedAt', 'is', null), eb('importedAt', '<', before)])),
  agent_traces: (eb, before) =>
    eb('finishedAt', '<', before).and(eb.not(taskIsKept(eb.ref('agent_traces.taskId'), before))),
  agent_runs: (eb, before) =>
    eb('finishedAt', '<', before)
      .and('createdAt', '<', before)
      .and(eb.not(traceIsKept(eb.ref('agent_runs.traceId'), before))),
  trace_events: (eb, before) => eb('at', '<', before).and(eb.not(traceIsKept(eb.ref('trace_events.traceId'), before))),
  artifacts: (eb, before) => eb('createdAt', '<', before).and(eb.not(taskIsKept(eb.ref('artifacts.taskId'), before))),
  agent_messages: (eb, before) =>
    eb(eb.fn.coalesce('deadAt', 'timestamp'), '<', before).and(
      'status',
      'in',
      (['processed', 'dead'] as const).map(literal),
    ),
  // What was sent is done with, whether its task has ended or not; a submit's row names many.
  outbox: (eb, before) => eb('sentAt', '<', before),
  operation_keys: (eb, before) => eb('createdAt', '<', before),
  // With its turns. One that is spoken in is kept whole.
  conversations: (eb, before) =>
    eb('updatedAt', '<', before).and(eb.not(hasOpenTurn(eb.ref('conversations.tenantId'), eb.ref('conversations.id')))),
};

const ENDED = TERMINAL_TASK_STATUSES.map(literal);
const any = expressionBuilder<Tables, never>();

/** Whether a task is open, or was imported after this moment: what is imported is as old as its import. */
function taskIsKept(id: Expression<TaskId | null>, before: Expression<Date>) {
  return any.exists(
    any
      .selectFrom('tasks as t')
      .select('t.id')
      .where('t.id', '=', id)
      .where((eb) => eb.or([eb('t.status', 'not in', ENDED), eb('t.importedAt', '>=', before)])),
  );
}

function hasOpenTurn(tenant: Expression<TenantId>, id: Expression<string>) {
  return any.exists(
    any
      .selectFrom('conversation_turns as o')
      .select('o.number')
      .where('o.tenantId', '=', tenant)
      .where('o.conversationId', '=', id)
      .where('o.state', 'in', OPEN_TURN_STATES.map(literal)),
  );
}

/** The same of the task of a trace. An ended trace of a task that is open again counts as open. */
function traceIsKept(id: Expression<TraceId>, before: Expression<Date>) {
  return any.exists(
    any
      .selectFrom('agent_traces as r')
      .innerJoin('tasks as t', 't.id', 'r.taskId')
      .select('r.id')
      .where('r.id', '=', id)
      .where((eb) =>
        eb.or([
          eb('r.status', '=', literal('running')),
          eb('t.status', 'not in', ENDED),
          eb('t.importedAt', '>=', before),
        ]),
      ),
  );
}

function expired<Resource extends RetentionResource>(resource: Resource, maxAgeDays: number): Expression<SqlBool> {
  return EXPIRED[resource](expressionBuilder<Tables, Resource>(), daysAgo(maxAgeDays));
}

const daysAgo = (days: number) => ago(days * 86_400);

/** Where a row lies. */
const PLACE = sql.ref('ctid');

/** The retention policies, and what they let go. Needs a system unit of work. */
export class RetentionRepository extends Repository {
  policies(): Promise<readonly RetentionRule[]> {
    return this.em.find(RetentionPolicy, {}, { orderBy: { resource: 'asc' } });
  }

  /** How many rows one prune after the other would take. */
  async count({ resource, maxAgeDays }: RetentionRule): Promise<number> {
    const found = await tables(this.em)
      .selectFrom(resource)
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where(expired(resource, maxAgeDays))
      .execute();
    return Number(found[0]?.count ?? 0);
  }

  /** Removes one batch and says how many rows went. By their places: no table is searched for them a second time. */
  async prune({ resource, maxAgeDays, batchSize }: RetentionRule): Promise<number> {
    const db = tables(this.em);
    const batch = db
      .selectFrom(resource)
      .select(PLACE.as('ctid'))
      .where(expired(resource, maxAgeDays))
      .limit(batchSize);
    const { numDeletedRows } = await db
      .deleteFrom(resource)
      .where((eb) => eb(PLACE, '=', eb.fn.any(eb.fn<readonly unknown[]>('array', [batch]))))
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  /**
   * Buries one batch of messages that nobody took for as long as the policy keeps messages, and of those whose time
   * passed while no process of their agent lived. They stay as dead ones for the same time again.
   * @returns how many
   */
  async buryUnclaimed({ maxAgeDays, batchSize }: RetentionRule): Promise<number> {
    const { numUpdatedRows } = await tables(this.em)
      .updateTable('agent_messages as m')
      .from((db) =>
        db
          .selectFrom('agent_messages')
          .select('id')
          .where((eb) =>
            eb.or([
              eb('status', '=', literal('pending')),
              eb('status', '=', literal('leased')).and('leasedUntil', '<', now()),
            ]),
          )
          .where((eb) =>
            eb.or([
              eb('expiresAt', '<=', ago(3_600)),
              eb(eb.fn<Date>('greatest', ['timestamp', 'availableAt']), '<', daysAgo(maxAgeDays)),
            ]),
          )
          .orderBy('id')
          .limit(batchSize)
          .forUpdate()
          .skipLocked()
          .as('over'),
      )
      .set((eb) => asDead(eb, `unclaimed: no process of its agent took it for ${maxAgeDays} days`))
      .whereRef('m.id', '=', 'over.id')
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  }

  async noteRun({ resource }: RetentionRule, removed: number): Promise<void> {
    await this.em.nativeUpdate(RetentionPolicy, resource, { lastRunAt: mapped.now(), lastRemoved: removed });
  }
}
