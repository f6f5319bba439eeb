import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Expression, type ExpressionBuilder, type InferResult, type QueryCreator, sql } from 'kysely';
import { type BudgetScope, TENANT_SCOPE, taskScope } from '../../domain/budgets/scopes.ts';
import type { TaskId } from '../../domain/ids.ts';
import { type Recurrence, readRecurrence } from '../../domain/tasks/recurrence.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { ago, anyOf, literal, now } from '../common-expressions.ts';
import { column } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { submittedRowsFrom } from '../system/outbox-rows.ts';
import { type Tables, tables } from '../tables.ts';
import { IS_PENDING } from './expressions.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from './waiting-job.ts';

/** An ended task that something may follow from. */
export interface EndWithConsequences {
  readonly taskId: TaskId;
  /** Whether tasks are blocked behind it. */
  readonly blocks: boolean;
  /** Whether it belongs to a conversation, so that it may have been a turn of it. */
  readonly isTalk: boolean;
  /** Whether a run of another task waits for it. */
  readonly isChild: boolean;
  /** Whether a run of it waited for another task. */
  readonly hasChildren: boolean;
  /**
   * The series that continues after it; null for none, for one that has continued already, and for one that cannot be
   * read.
   */
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

/** What a series' next task has of the one before it. */
const CONTINUED = [
  ...(['tenantId', 'graphId', 'graphName', 'title', 'description', 'priority', 'userId', 'conversation'] as const),
  ...(['requestHash', 'input', 'concurrencyKeys', 'recurrence', 'actsFor', 'budget', 'createdBy'] as const),
  ...(['assignedTo', 'metadata'] as const),
];

/** What the budget of a series' next task has of the one before it: limits, and nothing that is spent. */
const REPEATED = [
  ...(['level', 'parents', 'depth', 'softPercent', 'tokenLimit', 'moneyLimit', 'stepLimit', 'timeLimitMs'] as const),
  ...(['depthLimit', 'fanOutLimit', 'whenExhausted'] as const),
];

/** What its own copy of an input has of that of the one before it. */
const CONTENT = ['name', 'mediaType', 'sha256', 'sizeBytes', 'content'] as const;

/** `taskScope` of a task that the database names. */
const scopeOf = (id: Expression<TaskId | null>) => sql<BudgetScope>`'task:' || ${id}::text`;

/** How far back the sweep looks for series that stand still. What ended before was carried out of the outbox. */
const SWEEP_SECONDS = 86_400;

/** What follows from the end of a task. Needs a system unit of work. Every method is one statement. */
export class SuccessionRepository extends Repository {
  /** Those of the ended tasks from which something follows. */
  async consequences(ids: readonly TaskId[]): Promise<EndWithConsequences[]> {
    const ended = await endedTasks(this.em)
      .select((eb) => [
        continues(eb).as('continues'),
        eb
          .exists(eb.selectFrom('task_dependencies as d').select('d.taskId').whereRef('d.dependsOnTaskId', '=', 't.id'))
          .as('blocks'),
        eb('t.conversation', 'is not', null).as('isTalk'),
        waitsOf(eb, 'w.id').as('isChild'),
        waitsOf(eb, 'w.taskId').as('hasChildren'),
      ])
      .where('t.id', '=', anyOf(ids))
      .where('t.completedAt', 'is not', null)
      .execute();
    return ended
      .map((row) => readConsequences(row, row))
      .filter(({ blocks, isTalk, isChild, hasChildren, series }) => {
        return blocks || isTalk || isChild || hasChildren || series !== null;
      });
  }

  /** Ended tasks whose series should continue and does not, by tasks_recurring_index. */
  async withoutSuccessor(limit: number): Promise<EndWithConsequences[]> {
    const ended = await endedTasks(this.em)
      .where('t.completedAt', '>', ago(SWEEP_SECONDS))
      .where(continues)
      .limit(limit)
      .execute();
    return ended.map((row) => readConsequences(row, { continues: true }));
  }

  /**
   * Writes the next task of a series: like its predecessor, with its own copy of a large input. The unique predecessor
   * makes it one, however many callers ask and however often. Below a task it counts as one that the task spawned; where the
   * fan-out of a budget above it has no room nothing is written, until there is.
   * @returns its job if it may start at once; null if it waits for its time, or is there already
   */
  async succeed(predecessor: TaskId, successor: Successor): Promise<WaitingJob | null> {
    const created = await tables(this.em)
      .with('above', (db) => budgetsAbove(db, predecessor))
      .with('created', (db) =>
        db
          .insertInto('tasks')
          .columns([...OWN, ...CONTINUED])
          .expression(nextTask(db, predecessor, successor))
          .onConflict((conflict) => conflict.doNothing())
          .returning([...JOB_COLUMNS, 'status', 'predecessorId', 'inputArtifactId']),
      )
      .with('copied', (db) =>
        db
          .insertInto('artifacts')
          .columns(['id', 'tenantId', 'taskId', ...CONTENT])
          .expression(
            db
              .selectFrom('created as c')
              .innerJoin('tasks as t', 't.id', 'c.predecessorId')
              .innerJoin('artifacts as a', 'a.id', 't.inputArtifactId')
              .select(['c.inputArtifactId', 'c.tenantId', 'c.id', ...CONTENT.map((name) => `a.${name}` as const)]),
          ),
      )
      .with('budgeted', (db) =>
        db
          .insertInto('budgets')
          .columns(['tenantId', 'scope', 'taskId', ...REPEATED])
          .expression(
            db
              .selectFrom('created as c')
              .innerJoin('budgets as b', (join) =>
                join
                  .onRef('b.tenantId', '=', 'c.tenantId')
                  .on((eb) => eb('b.scope', '=', scopeOf(eb.ref('c.predecessorId')))),
              )
              .select((eb) => ['c.tenantId', scopeOf(eb.ref('c.id')).as('scope'), 'c.id'])
              .select(REPEATED.map((name) => `b.${name}` as const)),
          ),
      )
      .with('counted', (db) =>
        db
          .updateTable('budgets as b')
          .from(['above as a', 'created as c'])
          .set((eb) => ({ fanOut: eb('b.fanOut', '+', 1) }))
          .whereRef('b.tenantId', '=', 'a.tenantId')
          .whereRef('b.scope', '=', 'a.scope'),
      )
      .with('audited', () => {
        const details = { predecessor: column('predecessor_id') };
        return auditRowsFrom('created', { actor: 'muster', action: 'task.repeated', subjectType: 'task', details });
      })
      .with('sent', () => submittedRowsFrom('created', IS_PENDING))
      .selectFrom('created')
      .selectAll()
      .where(IS_PENDING)
      .executeTakeFirst();
    return created === undefined ? null : readWaitingJob(created);
  }
}

type BudgetsAbove = InferResult<ReturnType<typeof budgetsAbove>>[number];

/** The row of a series' next task: none where the series should not continue, or the fan-out above it has no room. */
function nextTask(db: QueryCreator<Tables & { above: BudgetsAbove }>, predecessor: TaskId, successor: Successor) {
  return db
    .selectFrom('tasks as t')
    .innerJoin('agent_graphs as g', 'g.id', 't.graphId')
    .select((eb) => ownValues(eb, successor))
    .select(CONTINUED.map((name) => `t.${name}` as const))
    .where('t.id', '=', predecessor)
    .where(continues)
    .where((eb) => eb.not(eb.exists(eb.selectFrom('above').select('scope').whereRef('fanOut', '>=', 'fanOutLimit'))));
}

/** The budgets above a spawned task, locked in the order in which every writer locks them. */
function budgetsAbove(db: QueryCreator<Tables>, task: TaskId) {
  return db
    .selectFrom('budgets as b')
    .innerJoin('budgets as o', 'o.tenantId', 'b.tenantId')
    .select(['b.tenantId', 'b.scope', 'b.fanOut', 'b.fanOutLimit'])
    .where('o.scope', '=', taskScope(task))
    .where('o.depth', '>', 0)
    .where((eb) => eb.or([eb('b.scope', '=', TENANT_SCOPE), eb('b.scope', '=', eb.fn.any('o.parents'))]))
    .orderBy('b.level')
    .orderBy('b.scope')
    .forUpdate('b');
}

/** What a series' next task has of its own; the order is that of its values. */
const OWN = [
  ...(['id', 'predecessorId', 'taskQueue', 'status', 'inputArtifactId', 'startAfter', 'dueDate'] as const),
  'deadlineAt' as const,
];

type Tasks = Tables & { t: Tables['tasks'] };
type TasksAndGraphs = Tasks & { g: Tables['agent_graphs'] };

function ownValues(eb: ExpressionBuilder<TasksAndGraphs, 't' | 'g'>, { id, artifactId, startAt }: Successor) {
  const start = eb.cast<Date>(eb.val(startAt), 'timestamptz');
  const later = eb.parens(start, '-', eb.fn.coalesce('t.startAfter', 't.createdAt'));
  const isDeferred = eb(start, '>', now());
  return [
    eb.cast<TaskId>(eb.val(id), 'uuid').as('id'),
    't.id as predecessorId',
    'g.taskQueue',
    eb.case().when(isDeferred).then(literal('deferred')).else(literal('pending')).end().as('status'),
    eb
      .case()
      .when('t.inputArtifactId', 'is not', null)
      .then(eb.cast(eb.val(artifactId), 'uuid'))
      .end()
      .as('inputArtifactId'),
    start.as('startAfter'),
    eb('t.dueDate', '+', later).as('dueDate'),
    eb('t.deadlineAt', '+', later).as('deadlineAt'),
  ] as const;
}

/** Whether a series should continue after a task and does not yet. */
function continues(eb: ExpressionBuilder<Tasks, 't'>) {
  return eb.and([
    eb('t.recurrence', 'is not', null),
    eb('t.status', 'in', [literal('completed'), literal('failed')]),
    eb.not(eb.exists(eb.selectFrom('tasks as s').select('s.id').whereRef('s.predecessorId', '=', 't.id'))),
  ]);
}

const endedTasks = (em: SqlEntityManager) =>
  tables(em)
    .selectFrom('tasks as t')
    .select(['t.id', 't.startAfter', 't.createdAt', 't.recurrence'])
    .select(now().as('now'));

type EndedRow = Awaited<ReturnType<ReturnType<typeof endedTasks>['execute']>>[number];

/** Whether a run waits for a task: the task itself, by run_waits_pkey, or one that it is waited for by, by run_waits_task_index. */
function waitsOf(eb: ExpressionBuilder<{ t: Tables['tasks'] } & Tables, 't'>, of: 'w.id' | 'w.taskId') {
  const open = eb
    .selectFrom('run_waits as w')
    .select('w.path')
    .whereRef('w.tenantId', '=', 't.tenantId')
    .whereRef(of, '=', 't.id')
    .where('w.kind', '=', literal('child'))
    .where('w.state', '=', literal('waiting'));
  return eb.exists(open);
}

/** What the look for consequences finds of a task besides its series. */
type Followed = Record<'blocks' | 'isTalk' | 'isChild' | 'hasChildren', unknown>;

function readConsequences(
  row: EndedRow,
  { continues, blocks, isTalk, isChild, hasChildren }: { continues: unknown } & Partial<Followed>,
): EndWithConsequences {
  const recurrence = continues === true ? readRecurrence(row.recurrence) : null;
  const times = { scheduledAt: row.startAfter ?? row.createdAt, now: row.now };
  return {
    taskId: row.id,
    blocks: blocks === true,
    isTalk: isTalk === true,
    isChild: isChild === true,
    hasChildren: hasChildren === true,
    series: recurrence === null ? null : { recurrence, ...times },
  };
}
