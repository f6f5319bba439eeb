import { LockMode } from '@mikro-orm/core';
import type { TaskId, TenantId, TraceId, WaitId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { RunWaitKind } from '../../domain/tasks/run-waits.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { anyOf, literal } from '../common-expressions.ts';
import { call, column, constant, runPart } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { namedIn } from '../statements/named-parts.ts';
import { outboxRowsFrom } from '../system/outbox-rows.ts';
import { tables } from '../tables.ts';
import { Task } from '../tasks/task.ts';
import { RunWait } from './run-wait.ts';
import { TaskMessage } from './task-message.ts';

/** Which run waits. */
export interface WaitPlace {
  readonly tenantId: TenantId;
  readonly taskId: TaskId;
  readonly traceId: TraceId;
  readonly path: RunPath;
}

/** What a run waits for, as it begins to. */
export interface NewWait extends WaitPlace {
  readonly id: WaitId;
  readonly kind: RunWaitKind;
  readonly name: string | null;
  readonly key: string | null;
  readonly request: JsonObject;
  /** What is known already. */
  readonly answer: Json;
  readonly until: Date | null;
}

/** A wait that is not over, as it is shown. */
export interface OpenWait extends NewWait {
  readonly createdAt: Date;
  readonly traceNumber: number;
}

/** What came for a wait, and who told. */
export interface WaitAnswer {
  readonly data: Json;
  readonly by: string;
  /** The call that told, of which nothing may count twice; null where a repetition is harmless. @defaultValue null */
  readonly callId?: string | null;
}

/** An event, for all that wait for it. */
export interface PublishedEvent extends Omit<WaitAnswer, 'callId'> {
  readonly tenant: TenantId;
  readonly name: string;
  /** Null reaches only those that wait for no key. */
  readonly key: string | null;
}

/** A wait that is over, and whose workflow is to look. */
export interface EndedWait {
  readonly id: WaitId;
  readonly taskId: TaskId;
  readonly traceNumber: number;
}

/** What the runs of a tenant wait for, and the messages that nothing waits for yet. */
export class WaitRepository extends Repository {
  /** The wait of a run, with its row locked; null before it has begun. */
  ofRun({ tenantId, traceId, path }: Omit<WaitPlace, 'taskId'>): Promise<RunWait | null> {
    return this.#lock({ tenantId, traceId, path });
  }

  /** An open wait with its row locked; null for one that has ended meanwhile. */
  async lock({ tenantId, id }: Pick<OpenWait, 'tenantId' | 'id'>): Promise<RunWait | null> {
    const wait = await this.#lock({ tenantId, id });
    const isOver = wait?.state !== 'waiting' || (wait.until && wait.until <= (await this.clock()));
    return isOver ? null : wait;
  }

  /** The wait of which a call has told already; null where there is none. By run_waits_call_unique. */
  toldBy(callId: string): Promise<RunWait | null> {
    return this.em.findOne(RunWait, { callId });
  }

  #lock(key: Partial<WaitPlace> & { readonly id?: WaitId }): Promise<RunWait | null> {
    return this.em.findOne(RunWait, key, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
  }

  /** Writes what came for a wait whose row is locked. */
  async end(wait: RunWait, { data, by, callId = null }: WaitAnswer): Promise<void> {
    wait.end(data, by, callId);
    await this.em.flush();
  }

  /** Writes what is known by now of what a wait asks, whose row is locked. */
  async note(wait: RunWait, known: Json, callId: string): Promise<void> {
    Object.assign(wait, { answer: known, callId });
    await this.em.flush();
  }

  /** Writes that nothing came in time for a wait whose row is locked. */
  async expire(wait: RunWait): Promise<void> {
    wait.state = 'expired';
    await this.em.flush();
  }

  /** Begins a wait. Where its run has one already, that stays as it is. */
  async begin(wait: NewWait): Promise<void> {
    const begun = this.em.createQueryBuilder(RunWait).insert({ ...wait, state: 'waiting' });
    await begun.onConflict(['tenantId', 'traceId', 'path']).ignore().execute('run', false);
  }

  /** The wait of the same run in an earlier trace of its task that was answered and asked for the same: the newest. */
  async answeredBefore({ tenantId, taskId, traceId, path, ...ask }: NewWait): Promise<RunWait | null> {
    const key = { tenantId, taskId, path, state: 'answered' as const, traceId: { $ne: traceId } };
    const before = await this.em.find(RunWait, key, { orderBy: { createdAt: 'desc' } });
    return before.find((wait) => wait.isLike(ask)) ?? null;
  }

  /** What runs of the task's running trace wait for, the oldest first. By run_waits_task_index. */
  open(taskId: TaskId): Promise<OpenWait[]> {
    return tables(this.em)
      .selectFrom('run_waits as w')
      .innerJoin('agent_traces as r', 'r.id', 'w.traceId')
      .select(['w.tenantId', 'w.id', 'w.taskId', 'w.traceId', 'w.path', 'w.kind', 'w.name', 'w.key', 'w.request'])
      .select(['w.answer', 'w.until', 'w.createdAt', 'r.number as traceNumber'])
      .where('w.taskId', '=', taskId)
      .where('w.state', '=', literal('waiting'))
      .where('r.status', '=', literal('running'))
      .orderBy('w.createdAt')
      .orderBy('w.id')
      .execute();
  }

  /** Has the relay tell the workflow that a wait is over. */
  async tell({ tenantId: tenant, taskId, id, traceNumber }: OpenWait): Promise<void> {
    const payload = { waitId: id, traceNumber };
    await runPart(this.em, outboxRowsFrom(null, { tenant, topic: 'wait.ended', taskId, payload }));
  }

  /**
   * Ends every wait for the event, and has the relay tell their workflows: one statement, by run_waits_waiting_index.
   * @returns how many it ended
   */
  async publish({ tenant, name, key, data, by }: PublishedEvent): Promise<number> {
    const { told } = await namedIn(this.em)
      .with('ended', (q) =>
        q
          .updateTable('run_waits as w')
          .from('agent_traces as r')
          .set((eb) => ({
            ...{ state: 'answered' as const, answeredBy: by, answeredAt: eb.fn<Date>('clock_timestamp') },
            answer: eb.cast<Json>(eb.val(JSON.stringify(data)), 'jsonb'),
          }))
          .whereRef('r.id', '=', 'w.traceId')
          .where('r.status', '=', literal('running'))
          .where('w.tenantId', '=', tenant)
          .where('w.kind', '=', literal('event'))
          .where('w.name', '=', name)
          .where('w.state', '=', literal('waiting'))
          .where((eb) => eb.or([eb('w.key', 'is', null), eb('w.key', '=', key)]))
          .where((eb) => eb.or([eb('w.until', 'is', null), eb('w.until', '>', eb.fn<Date>('clock_timestamp'))]))
          .returning(['w.id', 'w.tenantId', 'w.taskId', 'r.number']),
      )
      .with('sent', () =>
        outboxRowsFrom('ended', {
          ...{ topic: 'wait.ended', taskId: column('task_id') },
          payload: { waitId: column('id'), traceNumber: column('number') },
        }),
      )
      .main.selectFrom('ended')
      .select(({ fn }) => fn.countAll<string>().as('told'))
      .executeTakeFirstOrThrow();
    return Number(told);
  }

  /**
   * Ends the waits for tasks that have ended, and has the relay tell their workflows: one statement. Needs a system unit of
   * work. @returns those that it ended
   */
  endChildren(children: readonly TaskId[]): Promise<EndedWait[]> {
    const named = { task: column('t.id'), status: column('t.status') };
    const answer = call(
      'jsonb_build_object',
      ...Object.entries(named).flatMap(([key, value]) => [constant(key, 'text'), value]),
    );
    return namedIn(this.em)
      .with('ended', (q) =>
        q
          .updateTable('run_waits as w')
          .from(['tasks as t', 'agent_traces as r'])
          .set((eb) => ({
            ...{ state: 'answered' as const, answeredBy: 'muster', answeredAt: eb.fn<Date>('clock_timestamp') },
            answer: answer as never,
          }))
          .whereRef('t.id', '=', 'w.id')
          .whereRef('t.tenantId', '=', 'w.tenantId')
          .whereRef('r.id', '=', 'w.traceId')
          .where('t.id', '=', anyOf(children))
          .where('w.kind', '=', literal('child'))
          .where('w.state', '=', literal('waiting'))
          .where('t.completedAt', 'is not', null)
          .returning(['w.id', 'w.tenantId', 'w.taskId', 'r.number']),
      )
      .with('sent', () =>
        outboxRowsFrom('ended', {
          ...{ topic: 'wait.ended', taskId: column('task_id') },
          payload: { waitId: column('id'), traceNumber: column('number') },
        }),
      )
      .main.selectFrom('ended')
      .select(['id', 'taskId', 'number as traceNumber'])
      .execute();
  }

  /**
   * Locks the row of a task: until the unit of work ends, nobody else sends it a message and no run of it begins to wait
   * for one. @returns its status
   */
  async lockTask(id: TaskId): Promise<TaskStatus | null> {
    const key = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true, fields: ['status'] } as const;
    return (await this.em.findOne(Task, { id }, key))?.status ?? null;
  }

  /** Keeps a message until something waits for it. Needs {@link lockTask}. */
  async keepMessage(
    taskId: TaskId,
    tenantId: TenantId,
    message: { readonly name: string } & WaitAnswer,
  ): Promise<void> {
    const { name, data, by: sentBy, callId = null } = message;
    await this.em.insert(TaskMessage, { tenantId, taskId, name, data, sentBy, callId });
  }

  /** Whether the message of a call is kept. By task_messages_call_unique. */
  async isKept(callId: string): Promise<boolean> {
    return (await this.em.findOne(TaskMessage, { callId }, { fields: ['id'] })) !== null;
  }

  /** Removes the oldest message of this name; null where there is none. Needs {@link lockTask}. */
  async takeMessage(taskId: TaskId, name: string): Promise<WaitAnswer | null> {
    const taken = await tables(this.em)
      .deleteFrom('task_messages')
      .where('id', '=', (eb) => {
        const kept = eb.selectFrom('task_messages').select('id').where('taskId', '=', taskId).where('name', '=', name);
        return kept.orderBy('id').limit(1);
      })
      .returning(['data', 'sentBy as by', 'callId'])
      .executeTakeFirst();
    return taken ?? null;
  }
}
