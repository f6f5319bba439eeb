import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { anyOf } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { ActivityEffect } from '../system/activity-effect.ts';
import { tables } from '../tables.ts';
import { AgentTrace } from '../traces/agent-trace.ts';
import { TaskFork } from './task-fork.ts';
import type { TaskRecord } from './task-record.ts';

/** A fork as it is written. */
export interface NewFork {
  readonly taskId: TaskId;
  readonly tenantId: TenantId;
  readonly originTaskId: TaskId;
  readonly originTraceId: TraceId;
  readonly originNumber: number;
  readonly atPath: RunPath;
  readonly atStep: number | null;
  readonly nextTraceId: TraceId;
  readonly takenCount: number;
  readonly eventCount: number;
}

/** Tasks that continue traces of others. Every method is one statement. */
export class ForkRepository extends Repository {
  insert(fork: NewFork): Promise<unknown> {
    return this.em.insert(TaskFork, fork);
  }

  /** Those of these tasks that are forks and have opened their trace. */
  async begun(taskIds: readonly TaskId[]): Promise<TaskFork[]> {
    const forks = await this.findAll(taskIds);
    const ids = forks.map(({ nextTraceId }) => nextTraceId);
    const opened = await this.em.find(AgentTrace, { id: { $in: ids } }, { fields: ['id'] });
    const isOpened = new Set(opened.map(({ id }) => id));
    return forks.filter(({ nextTraceId }) => isOpened.has(nextTraceId));
  }

  /** From where these tasks continue; those that are no forks are left out. */
  findAll(taskIds: readonly TaskId[]): Promise<TaskFork[]> {
    return this.em.find(TaskFork, { taskId: { $in: [...taskIds] } });
  }

  /** The forks of a task, the oldest first. By task_forks_origin_index. */
  forksOf(
    { tenant: tenantId, id: originTaskId }: Pick<TaskRecord, 'tenant' | 'id'>,
    limit: number,
  ): Promise<TaskFork[]> {
    return this.em.find(TaskFork, { tenantId, originTaskId }, { orderBy: { createdAt: 'asc', taskId: 'asc' }, limit });
  }

  /** Lets the next claim open another trace. */
  async moveTo(taskId: TaskId, next: Pick<TaskFork, 'nextTraceId' | 'eventCount'>): Promise<void> {
    await this.em.nativeUpdate(TaskFork, { taskId }, next);
  }

  /** The runs that its trace has taken over whole. One that it took over in half runs on from there, and may have ended. */
  async takenPaths({ nextTraceId, atPath }: Pick<TaskFork, 'nextTraceId' | 'atPath'>): Promise<RunPath[]> {
    const rows = await tables(this.em)
      .selectFrom('agent_runs')
      .select('nodeId')
      .where('traceId', '=', nextTraceId)
      .where('takenFrom', 'is not', null)
      .where('nodeId', '<>', atPath)
      .execute();
    return rows.map(({ nodeId }) => nodeId);
  }

  /** Which of these tasks are forks of which retention has removed runs that they took over. */
  async pruned(taskIds: readonly TaskId[]): Promise<ReadonlySet<TaskId>> {
    const rows = await tables(this.em)
      .selectFrom('task_forks as f')
      .select('f.taskId')
      .where('f.taskId', '=', anyOf(taskIds))
      .where((eb) =>
        eb(
          eb
            .selectFrom('agent_runs as r')
            .select(eb.fn.countAll<number>().as('count'))
            .whereRef('r.traceId', '=', 'f.nextTraceId')
            // A run that was taken in half and interrupted was written anew.
            .where((r) =>
              r.or([
                r('r.takenFrom', 'is not', null),
                r.and([r('f.atStep', 'is not', null), r('r.nodeId', '=', r.ref('f.atPath'))]),
              ]),
            ),
          '<',
          eb.ref('f.takenCount'),
        ),
      )
      .execute();
    return new Set(rows.map(({ taskId }) => taskId));
  }

  /** The keys of the effects that a task has recorded. By activity_effects_task_index. */
  async effectKeys(taskId: TaskId): Promise<string[]> {
    const effects = await this.em.find(
      ActivityEffect,
      { taskId },
      { fields: ['effectKey'], orderBy: { effectKey: 'asc' } },
    );
    return effects.map(({ effectKey }) => effectKey);
  }
}
