import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator, RawBuilder, SqlBool } from 'kysely';
import { isSettled } from '../../domain/graphs/graph-state.ts';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { isOpenTaskStatus, OPEN_TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { column, jsonOf } from '../../entities/insert-from.ts';
import { givenValue } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import type { Places, Statement } from '../../entities/statements/statement.ts';
import { msUntil } from '../../entities/statements/time-expressions.ts';
import type { Tables } from '../../entities/tables.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { BEGIN_RUN, type BegunRow, noteOvertaken } from '../../entities/traces/statements/begin-run.ts';
import { traced } from '../../entities/traces/traced-statement.ts';
import type { AttemptNote, RunBeginning, RunSubject } from './notes.ts';
import { noteOne, numberOne } from './write-events.ts';

/** An attempt that comes to a run. */
export interface BeginningAttempt {
  readonly execution: ExecutionRef;
  readonly subject: RunSubject;
  readonly attempt: AttemptNote;
}

const GIVEN = {
  taskId: givenValue<TaskId>('uuid'),
  fence: givenValue<number>('bigint'),
  traceId: givenValue<TraceId>('uuid'),
  nodeId: givenValue<string>('text'),
  agent: givenValue<string>('text'),
  kind: givenValue<string>('text'),
  workflowRun: givenValue<string>('text'),
  activityAttempt: givenValue<number>('int'),
  workerId: givenValue<string>('text'),
};
type Given = Places<typeof GIVEN>;

/** The task, if it is still of this claim. */
function task({ taskId, fence }: Given) {
  return (q: QueryCreator<Tables>) =>
    q
      .selectFrom('tasks')
      .where('id', '=', taskId)
      .where('fence', '=', fence)
      .select((eb) => ['tenantId', 'status', eb('deadlineAt', 'is not', null).as('hasDeadline')]);
}

/** The run as it was before. */
function before({ traceId, nodeId, workflowRun, activityAttempt, workerId }: Given) {
  return (q: QueryCreator<Tables>) =>
    q
      .selectFrom('agent_runs as r')
      .where('r.traceId', '=', traceId)
      .where('r.nodeId', '=', nodeId)
      .select(['r.attempts', 'r.crashes', 'r.workerId', 'r.status', 'r.outcome', 'r.errorCode', 'r.errorText'])
      .select((eb) => [
        msUntil(eb.ref('r.nextAttemptAt')).as('waitMs'),
        // The log says already that this attempt begins; or is not to say it, after a wait for a limit.
        eb
          .or([
            eb('r.limited', '=', true),
            eb.and([
              eb('r.status', '=', 'running'),
              eb('r.workflowRun', '=', workflowRun),
              eb('r.activityAttempt', '=', activityAttempt),
              eb('r.workerId', '=', workerId),
            ]),
          ])
          .as('isTold'),
      ]);
}

/** The event of the beginning. */
function beginning(q: QueryCreator<{ begun: BegunRow; before: { isTold: SqlBool } }>) {
  return q
    .selectFrom('begun as b')
    .leftJoin('before as l', (join) => join.onTrue())
    .where((eb) => eb.fn.coalesce('l.isTold', eb.lit(false)), '=', false)
    .select((eb) => [
      ...(['b.traceId', 'b.nodeId'] as const),
      eb.case().when('b.first', '=', true).then('run.started').else('run.retried').end().as('type'),
      jsonOf({ attempt: column('b.attempts'), crashes: column('b.crashes') }).as('data'),
    ]);
}

function claimed({ traceId, nodeId, agent, kind, workflowRun, activityAttempt, workerId }: Given) {
  const columns: Readonly<Record<string, RawBuilder<unknown>>> = {
    ...{ traceId, nodeId, agent, kind, workflowRun, activityAttempt, workerId },
  };
  return (q: QueryCreator<{ task: { tenantId: TenantId; status: TaskStatus } }>) =>
    q
      .selectFrom('task')
      .where('status', 'in', OPEN_TASK_STATUSES)
      .select('tenantId')
      .select(Object.entries(columns).map(([name, value]) => value.as(name)));
}

const BEGIN = traced(GIVEN, (given, trace) =>
  named
    .with('task', task(given))
    .with('claimed', claimed(given))
    .with('before', before(given))
    .with('begun', () => BEGIN_RUN)
    .with('overtaken', () => noteOvertaken(given))
    .with('happened', beginning)
    .with('numbered', numberOne(trace))
    .with('noted', noteOne(trace))
    .main.selectFrom('task as t')
    .leftJoin('begun as b', (join) => join.onTrue())
    .leftJoin('before as r', (join) => join.onTrue())
    .select(['b.attempts', 'b.first', 'b.failures', 'b.crashes', 't.hasDeadline', 't.status as taskStatus'])
    .select((eb) => [
      eb.cast<number>('b.limitWaitMs', 'float8').as('limitWaitMs'),
      ...(['r.status as runStatus', 'r.attempts as attemptsBefore', 'r.crashes as crashesBefore'] as const),
      ...(['r.workerId as processBefore', 'r.outcome', 'r.errorCode', 'r.errorText', 'r.waitMs'] as const),
    ]),
);

/**
 * Notes that an attempt begins, gives it its number, and writes its event: one statement. Repeating it, after a commit whose
 * answer was lost, changes nothing. An attempt that comes before its time waits, and no event is written after a wait for
 * a limit. By the keys of task, run and trace.
 */
export async function beginRun(
  em: SqlEntityManager,
  trace: TraceParts,
  { execution, subject, attempt }: BeginningAttempt,
): Promise<RunBeginning> {
  const [row] = await BEGIN(trace).run(em, {
    ...{ taskId: execution.taskId, fence: execution.fence, traceId: execution.traceId },
    ...{ nodeId: subject.nodeId, agent: subject.agent, kind: subject.kind },
    ...{ workflowRun: attempt.workflowRun, activityAttempt: attempt.activityAttempt, workerId: attempt.process },
  });
  return row === undefined ? { kind: 'stale' } : (readBegun(row) ?? readRefusal(row));
}

type BeginRow = ReturnType<typeof BEGIN> extends Statement<typeof GIVEN, infer Row> ? Row : never;

function readBegun({ attempts, first, failures, crashes, ...row }: BeginRow): RunBeginning | null {
  if (attempts === null || failures === null || crashes === null) return null;
  const isLost = row.attemptsBefore !== null && row.crashesBefore !== null && crashes > row.crashesBefore;
  const lost = isLost ? { number: row.attemptsBefore ?? 0, process: row.processBefore } : null;
  const limitWaitMs = row.limitWaitMs ?? 0;
  const hasDeadline = Boolean(row.hasDeadline);
  return { kind: 'begun', number: attempts, first: first === true, failures, crashes, limitWaitMs, hasDeadline, lost };
}

function readRefusal({ taskStatus, runStatus: status, ...run }: BeginRow): RunBeginning {
  if (status !== null && isSettled(status)) {
    const { errorCode: code, errorText: text, outcome } = run;
    const error = code === null ? null : { code, message: text ?? code };
    return { kind: 'settled', status, attempts: run.attemptsBefore ?? 0, outcome, error, taskStatus };
  }
  if (!isOpenTaskStatus(taskStatus)) return { kind: 'stale' };
  const waitMs = Math.ceil(run.waitMs ?? 0);
  return status === 'pending' && waitMs > 0 ? { kind: 'waiting', waitMs } : { kind: 'overtaken' };
}
