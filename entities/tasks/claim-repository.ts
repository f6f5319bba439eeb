import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { anyOf, literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import type { Claimant, ReadyTurn } from './claimant.ts';
import { type ClaimedTask, readClaimedTask } from './claimed-task.ts';
import { type ClaimRules, claimTasks } from './statements/claim.ts';
import { readyTasks } from './statements/ready-tasks.ts';
import { Task } from './task.ts';

/** How a task stands that waits although its claim was refused. */
export interface Standing {
  readonly taskId: TaskId;
  readonly hosted: boolean;
  /** What of its handlers is not hosted, as `kind:name`. */
  readonly missing: readonly string[];
}

/** What a dispatcher does with tasks of all tenants. Needs a system unit of work. Every method is one statement. */
export class ClaimRepository extends Repository {
  /**
   * Moves pending tasks to `in_progress` under a new fence, takes a slot of each of their limited keys and opens a trace
   * for each, with its first event: one statement, all or none. It leaves out tasks that are not pending, not hosted or
   * paused, or have a full key; and, so that tasks of a user that never overlap also start in order, a task of such a
   * user behind an earlier one that could start. Of the tasks that were asked for, the first one with room in all its
   * keys is always among the claimed.
   *
   * Two claims at once that choose the same slot collide on the primary key (SQLSTATE 23505): the later one changes
   * nothing and may be repeated; the other one has succeeded. Repeating it with the same trace ids, after a commit whose
   * answer was lost, returns what it claimed.
   */
  async claim(wanted: ReadonlyMap<TaskId, TraceId>, claimant: Claimant, rules: ClaimRules): Promise<ClaimedTask[]> {
    const claimed = await claimTasks(this.em, wanted, { claimant, ...rules });
    return claimed.map(readClaimedTask);
  }

  /**
   * Tasks that could start now, by tasks_claim_index: what works when Redis does not. Limits and pauses hold; weights do
   * not count. The highest band comes first, or the lowest, or what has waited longest beyond the ageing time.
   */
  ready(
    claimant: Pick<Claimant, 'taskQueue' | 'handlers'>,
    settings: QueueSettings,
    { limit, turn = 'highest' }: { readonly limit: number; readonly turn?: ReadyTurn },
  ): Promise<TaskId[]> {
    return readyTasks(this.em, claimant, { settings, limit, turn });
  }

  /** Which refused candidates still wait, and whether they could start here at all. */
  async standing(ids: readonly TaskId[], { handlers }: Pick<Claimant, 'handlers'>): Promise<Standing[]> {
    const needs = await tables(this.em)
      .selectFrom('tasks as t')
      .leftJoin('agent_components as c', (join) =>
        join.onRef('c.graphId', '=', 't.graphId').on('c.handler', 'is not', null),
      )
      .select(['t.id', 'c.componentType as kind', 'c.handler'])
      .distinct()
      .where('t.id', '=', anyOf(ids))
      .where('t.status', '=', literal('pending'))
      .execute();
    return [...Map.groupBy(needs, ({ id }) => id)].map(([taskId, own]) => {
      const names = own.flatMap(({ kind, handler }) => (handler === null ? [] : [`${kind}:${handler}`]));
      const missing = names.filter((name) => !handlers.includes(name));
      return { taskId, hosted: missing.length === 0, missing };
    });
  }

  /** Whether a claim still counts: its task is open, and nobody claimed it since. */
  async isOpen({ taskId, fence }: Pick<ExecutionRef, 'taskId' | 'fence'>): Promise<boolean> {
    return (await this.em.count(Task, { id: taskId, fence, status: { $in: OPEN_TASK_STATUSES } })) === 1;
  }
}
