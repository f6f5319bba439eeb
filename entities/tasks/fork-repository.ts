import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { SETTLED_RUN_STATUSES } from '../../domain/traces/trace-status.ts';
import { literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { ActivityEffect } from '../system/activity-effect.ts';
import { tables } from '../tables.ts';
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
  readonly eventCount: number;
}

/** Tasks that continue traces of others. Every method is one statement. */
export class ForkRepository extends Repository {
  insert(fork: NewFork): Promise<unknown> {
    return this.em.insert(TaskFork, fork);
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

  /** The runs that a trace has taken over whole. */
  async takenPaths(traceId: TraceId): Promise<RunPath[]> {
    const rows = await tables(this.em)
      .selectFrom('agent_runs')
      .select('nodeId')
      .where('traceId', '=', traceId)
      .where('takenFrom', 'is not', null)
      .where('status', 'in', SETTLED_RUN_STATUSES.map(literal))
      .execute();
    return rows.map(({ nodeId }) => nodeId);
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
