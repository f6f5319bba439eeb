import { type Expression, type ExpressionBuilder, expressionBuilder, type QueryCreator } from 'kysely';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { RedriveEffects } from '../../domain/tasks/dead-letter.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { anyOf, literal, now } from '../common-expressions.ts';
import { column } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { submittedRowsFrom } from '../system/outbox-rows.ts';
import { type Tables, tables } from '../tables.ts';
import { IS_PENDING, WITHOUT_RESULT } from './expressions.ts';
import { Task } from './task.ts';
import { readFailure } from './task-record.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from './waiting-job.ts';

/** A task that failed, with what has to be known to judge it. */
export interface DeadLetter {
  readonly taskId: TaskId;
  readonly tenant: TenantId;
  readonly graph: string;
  readonly title: string;
  readonly priority: PriorityBand;
  readonly user: string | null;
  readonly key: string | null;
  /** The code of its failure. */
  readonly reason: string;
  readonly error: Failure | null;
  /** The node that failed; null when none did, as with a deadline that passed while the task waited. */
  readonly node: string | null;
  /** Attempts of that node in the last trace; 0 when there was none. */
  readonly attempts: number;
  /** The last trace; null for a task that never started. */
  readonly traceId: TraceId | null;
  /** The trace before it, when the task has been redriven already. */
  readonly originTraceId: TraceId | null;
  /** How many traces the task has had. */
  readonly traceCount: number;
  readonly createdAt: Date;
  readonly deadAt: Date;
}

/** Which dead letters. */
export interface DeadLetterFilter {
  readonly graph?: string | undefined;
  /** Dead since this moment or later. */
  readonly since?: Date | undefined;
}

/** A task that was redriven, with what the queue has to know of it. */
export interface RedrivenTask extends WaitingJob {
  readonly status: TaskStatus;
  /** The trace that failed; null for a task that had none. */
  readonly originTraceId: TraceId | null;
}

/** How tasks are redriven. */
export interface Redrive {
  /** The same one again is the same redrive. */
  readonly redriveId: string;
  readonly actor: string;
  readonly effects: RedriveEffects;
}

/** The failed tasks of the unit of work's tenant, by tasks_dead_index. Every method is one statement. */
export class DeadLetterRepository extends Repository {
  /** The latest deaths first, at most `limit` of them. */
  async list(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
    const dead = await tables(this.em)
      .selectFrom('tasks as t')
      .leftJoin('agent_traces as r', (join) =>
        join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount'),
      )
      .leftJoin('agent_runs as n', (join) =>
        join.onRef('n.traceId', '=', 'r.id').on((eb) => eb('n.nodeId', '=', textAt('t.error', 'node'))),
      )
      .select(['t.id', 't.tenantId', 't.graphName', 't.title', 't.priority', 't.userId', 't.idempotencyKey', 't.error'])
      .select(['t.deadLetterReason', 't.traceCount', 't.createdAt', 't.deadLetteredAt'])
      .select(['r.id as traceId', 'r.originTraceId', 'n.attempts'])
      .where((eb) => matches(eb, filter))
      .orderBy('t.deadLetteredAt', 'desc')
      .orderBy('t.id', 'desc')
      .limit(limit)
      .execute();
    return dead.map(({ id, ...task }) => {
      const error = readFailure(task.error);
      return {
        taskId: id,
        tenant: task.tenantId,
        graph: task.graphName,
        title: task.title,
        priority: bandOfPriority(task.priority),
        user: task.userId,
        key: task.idempotencyKey,
        reason: task.deadLetterReason ?? '',
        error,
        node: error?.node ?? null,
        attempts: task.attempts ?? 0,
        traceId: task.traceId,
        originTraceId: task.originTraceId,
        traceCount: task.traceCount,
        createdAt: task.createdAt,
        deadAt: task.deadLetteredAt ?? task.createdAt,
      };
    });
  }

  /** One page of the ids that match, in the order of their submits, after this one: what others depend on comes first. */
  async page(filter: DeadLetterFilter, after: TaskId | null, limit: number): Promise<TaskId[]> {
    const dead = await tables(this.em)
      .selectFrom('tasks as t')
      .select('t.id')
      .where((eb) => matches(eb, filter))
      .$if(after !== null, (query) => query.where('t.id', '>', after))
      .orderBy('t.id')
      .limit(limit)
      .execute();
    return dead.map(({ id }) => id);
  }

  /** What a redrive of these tasks would do, without doing it. */
  async judge(ids: readonly TaskId[]): Promise<{ taskId: TaskId; stuck: boolean; originTraceId: TraceId | null }[]> {
    const dead = await deadTasks(tables(this.em), ids).execute();
    return dead.map(({ id, stuck, origin }) => ({ taskId: id, stuck: stuck === true, originTraceId: origin }));
  }

  /**
   * Lets dead tasks wait again, each with an audit row that names the trace that failed, and one outbox row for all
   * that may start: one statement, all or none. A task that depends on one that has not completed becomes `blocked`;
   * one whose dependency stays dead is left dead. What is not dead is left alone. A deadline that has passed is
   * dropped: a redrive means that the task is still wanted. `effects` says whether what earlier traces recorded still
   * counts. A repetition under the same `redriveId`, after a commit whose answer was lost, returns what the first one
   * did.
   */
  async redrive(ids: readonly TaskId[], { redriveId, actor, effects }: Redrive): Promise<RedrivenTask[]> {
    const auditId = (id: Expression<unknown>) => {
      const name = parts.fn<string>('concat', [parts.cast(parts.val(redriveId), 'text'), id]);
      return parts.cast<string>(parts.fn('md5', [name]), 'uuid');
    };
    const redriven = await tables(this.em)
      .with('dead', (db) => deadTasks(db, ids).orderBy('t.id').forUpdate('t'))
      .with('revived', (db) =>
        db
          .updateTable('tasks')
          .from('dead')
          .set((eb) => ({
            status: eb.case().when('dead.waits', '=', true).then(literal('blocked')).else(literal('pending')).end(),
            ...{ completedAt: null, error: null, output: null, outputArtifactId: null },
            ...{ deadLetteredAt: null, deadLetterReason: null },
            ...{ cancelRequestedAt: null, heldAt: null, checkedAt: null },
            ...(effects === 'repeat' ? { effectsSince: eb('traceCount', '+', 1) } : {}),
            deadlineAt: eb.case().when('deadlineAt', '>', now()).then(eb.ref('deadlineAt')).end(),
          }))
          .whereRef('tasks.id', '=', 'dead.id')
          .where('dead.stuck', '=', false)
          .returning([
            ...JOB_COLUMNS.map((name) => `tasks.${name}` as const),
            'tasks.status',
            'dead.origin',
            'dead.reason',
          ]),
      )
      // The time of its budgets stood still while it was dead.
      .with('clocks', (db) =>
        db
          .updateTable('budgets as b')
          .from('dead')
          .set((eb) => ({ begunAt: eb('b.begunAt', '+', eb.parens(eb(now(), '-', eb.ref('dead.completedAt')))) }))
          .whereRef('b.taskId', '=', 'dead.id')
          .where('dead.stuck', '=', false)
          .where('b.begunAt', 'is not', null),
      )
      .with('audited', () => {
        const details = { trace: column('origin'), reason: column('reason'), effects };
        const row = { id: auditId(column('id')), actor, action: 'task.redriven', subjectType: 'task', details };
        return auditRowsFrom('revived', row).onConflict((conflict) => conflict.doNothing());
      })
      .with('sent', () => submittedRowsFrom('revived', IS_PENDING))
      .selectFrom('revived')
      .selectAll()
      .unionAll((eb) =>
        eb
          .selectFrom('tasks as t')
          .innerJoin('audit_log as a', (join) => join.on('a.id', '=', auditId(parts.ref('t.id'))))
          .select([...JOB_COLUMNS.map((name) => `t.${name}` as const), 't.status'])
          .select(parts.cast<TraceId | null>(textAt('a.details', 'trace'), 'uuid').as('origin'))
          .select(textAt('a.details', 'reason').as('reason'))
          .where('t.id', '=', anyOf(ids)),
      )
      .execute();
    return redriven.map(({ status, origin, ...task }) => ({ ...readWaitingJob(task), status, originTraceId: origin }));
  }

  /** Which of these tasks there are. */
  async known(ids: readonly TaskId[]): Promise<Map<TaskId, TaskStatus>> {
    const tasks = await this.em.find(Task, { id: { $in: ids } }, { fields: ['id', 'status'] });
    return new Map(tasks.map(({ id, status }) => [id, status]));
  }
}

type Joined = Tables & { t: Tables['tasks']; a: Tables['audit_log'] };
const parts = expressionBuilder<Joined, 't' | 'a'>();

/** The text of a key of a column of JSON. */
const textAt = (json: 't.error' | 'a.details', key: string) =>
  parts.fn<string | null>('jsonb_extract_path_text', [json, parts.cast(parts.val(key), 'text')]);

function matches(eb: ExpressionBuilder<Joined, 't'>, { graph, since }: DeadLetterFilter) {
  return eb.and([
    eb('t.deadLetteredAt', 'is not', null),
    ...(graph === undefined ? [] : [eb('t.graphName', '=', graph)]),
    ...(since === undefined ? [] : [eb('t.deadLetteredAt', '>=', since)]),
  ]);
}

/**
 * What a task has besides its row while it is dead: its last trace, and whether something that it depends on has yet to
 * complete (`waits`), or never will unless it is redriven too (`stuck`).
 */
function deadTasks(db: QueryCreator<Tables>, ids: readonly TaskId[]) {
  return db
    .selectFrom('tasks as t')
    .leftJoin('agent_traces as r', (join) => join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount'))
    .select((eb) => {
      const wanted = eb
        .selectFrom('task_dependencies as d')
        .innerJoin('tasks as p', 'p.id', 'd.dependsOnTaskId')
        .select('p.id')
        .whereRef('d.taskId', '=', 't.id');
      return [
        't.id',
        't.completedAt',
        't.deadLetterReason as reason',
        'r.id as origin',
        eb.exists(wanted.where('p.status', '<>', literal('completed'))).as('waits'),
        eb
          .exists(
            wanted
              .where('p.status', 'in', WITHOUT_RESULT)
              .where((p) => p.or([p('p.status', '=', literal('cancelled')), p.not(p('p.id', '=', anyOf(ids)))])),
          )
          .as('stuck'),
      ];
    })
    .where('t.id', '=', anyOf(ids))
    .where('t.status', '=', literal('failed'))
    .where('t.deadLetteredAt', 'is not', null);
}
