import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import { bandOfPriority } from '../../domain/tasks/priority.ts';
import { DependencyRepository } from '../../entities/tasks/dependency-repository.ts';
import type { KnownTask, NewTask, WrittenTask } from '../../entities/tasks/new-task.ts';
import { SUBMIT_BATCH_SIZE, SubmitRepository } from '../../entities/tasks/submit-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { countsInBudget, writeTaskBudgets } from '../budgets/spawn-tasks.ts';
import { IdempotencyConflict, InputInvalid } from '../operation-errors.ts';
import { withDelegation } from './delegation.ts';

/** A new task together with its whole input as JSON text, which its row holds only while it is small. */
export interface PreparedTask {
  readonly task: NewTask;
  readonly inputJson: string;
}

/** What became of a task: itself, or the one that an earlier submit wrote under its key. */
export interface Written extends WrittenTask {
  readonly duplicate: boolean;
}

/** The job of a task that was written and may start; null for one that waits, or was there before. */
export function jobOf({ task }: PreparedTask, written: Written): WaitingJob | null {
  if (written.duplicate || written.status !== 'pending') return null;
  const { id: taskId, tenant, taskQueue, priority, concurrencyKeys: keys } = task;
  return { taskId, tenant, taskQueue, band: bandOfPriority(priority), createdAtMs: written.createdAtMs, keys };
}

/** Whether a task can be written in one statement with others: it fits into its row, waits for no other, and has no budget. */
export function isPlain({ task }: PreparedTask): boolean {
  return task.input.artifactId === null && task.dependsOn.length === 0 && !countsInBudget(task);
}

/** Whether nothing that is there already can refuse a task, so that all or none of many is what one statement gives. */
export function isCertain(prepared: PreparedTask): boolean {
  return isPlain(prepared) && prepared.task.idempotencyKey === null;
}

/**
 * Writes the tasks of one call in the caller's unit of work, all or none, and answers in their order. A repetition with the
 * same ids, or under the same keys, writes nothing and finds what is there.
 * @throws IdempotencyConflict, BudgetExhausted, InputInvalid for a dependency that the tenant does not have
 */
export async function writeTasks(
  em: SqlEntityManager,
  tenant: TenantId,
  prepared: readonly PreparedTask[],
): Promise<readonly Written[]> {
  const tasks = await withDelegation(
    em,
    prepared.map(({ task }) => task),
  );
  const submits = new SubmitRepository(em);
  await new TaskRepository(em).ensureTenant(tenant);
  await requireDependencies(submits, tenant, tasks);
  const inserted: WrittenTask[] = [];
  for (let start = 0; start < tasks.length; start += SUBMIT_BATCH_SIZE) {
    const batch = tasks.slice(start, start + SUBMIT_BATCH_SIZE);
    inserted.push(...(await submits.insert(tenant, batch, { oneCall: tasks.length > 1 })));
  }
  const isNew = new Set(inserted.map(({ id }) => id));
  await writeTaskBudgets(
    em,
    tenant,
    tasks.filter(({ id }) => isNew.has(id)),
  );
  const outcomes = await outcomesOf(tasks, inserted, (missing) => submits.findKnown(tenant, missing));
  const written = outcomes.map(requireWritten);
  const own = new Set(written.filter((each) => !each.duplicate).map((each) => each.id));
  await insertInputs(
    em,
    prepared.filter(({ task }) => own.has(task.id)),
  );
  return blockTasks(em, { tenant, tasks: tasks.filter((task) => own.has(task.id)) }, written);
}

/**
 * What became of each task, after an insert that wrote some of them: what was not written is looked for. A conflict is
 * returned in its place, so that the others' answers are not lost.
 */
export async function outcomesOf(
  tasks: readonly NewTask[],
  inserted: readonly WrittenTask[],
  find: (missing: readonly NewTask[]) => Promise<readonly KnownTask[]>,
): Promise<readonly (Written | IdempotencyConflict)[]> {
  const written = new Map<string, WrittenTask>(inserted.map((task) => [task.id, task]));
  const missing = tasks.filter((task) => !written.has(task.id));
  const known = missing.length === 0 ? [] : await find(missing);
  const byKey = new Map(known.map((task) => [task.idempotencyKey, task]));
  // A unit of work whose commit went unanswered runs again and meets its own rows.
  for (const task of known) written.set(task.id, task);
  return tasks.map((task) => {
    const own = written.get(task.id);
    if (own !== undefined) return { ...own, duplicate: false };
    const first = byKey.get(task.idempotencyKey);
    if (first === undefined) throw new Error('The task of this key was removed at this very moment. Submit it again.');
    if (first.requestHash !== task.requestHash) return new IdempotencyConflict(task.idempotencyKey ?? '', first.id);
    return { ...first, duplicate: true };
  });
}

/** @throws IdempotencyConflict when that is what became of a task */
export function requireWritten(outcome: Written | IdempotencyConflict): Written {
  if (outcome instanceof IdempotencyConflict) throw outcome;
  return outcome;
}

async function requireDependencies(
  submits: SubmitRepository,
  tenant: TenantId,
  tasks: readonly NewTask[],
): Promise<void> {
  const wanted = [...new Set(tasks.flatMap((task) => task.dependsOn))];
  const [missing] = wanted.length === 0 ? [] : await submits.findMissing(wanted);
  if (missing !== undefined) throw new InputInvalid(`dependsOn: the tenant "${tenant}" has no task ${missing}.`);
}

async function insertInputs(em: SqlEntityManager, prepared: readonly PreparedTask[]): Promise<void> {
  const artifacts = new ArtifactRepository(em);
  for (const { task, inputJson } of prepared) {
    if (task.input.artifactId === null) continue;
    await artifacts.insert({
      id: task.input.artifactId,
      tenant: task.tenant,
      taskId: task.id,
      name: 'input.json',
      mediaType: 'application/json',
      content: new TextEncoder().encode(inputJson),
    });
  }
}

/** Writes what tasks wait for, and at once lets go or fails those whose wait is over before it began. */
async function blockTasks(
  em: SqlEntityManager,
  { tenant, tasks }: { readonly tenant: TenantId; readonly tasks: readonly NewTask[] },
  written: readonly Written[],
): Promise<readonly Written[]> {
  const blocked = tasks.filter((task) => task.dependsOn.length > 0);
  if (blocked.length === 0) return written;
  await new SubmitRepository(em).addDependencies(tenant, blocked);
  const dependencies = new DependencyRepository(em);
  const statuses = new Map<string, Written['status']>();
  for (let start = 0; start < blocked.length; start += DependencyRepository.batchSize) {
    const ids = blocked.slice(start, start + DependencyRepository.batchSize).map(({ id }) => id);
    for (const { taskId } of await dependencies.failHopeless({ ids })) statuses.set(taskId, 'failed');
    for (const { taskId, status } of await dependencies.unblock({ ids })) statuses.set(taskId, status);
  }
  return written.map((task) => ({ ...task, status: statuses.get(task.id) ?? task.status }));
}
