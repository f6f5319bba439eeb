import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import type { NewTask } from '../../entities/tasks/new-task.ts';
import { SubmitRepository } from '../../entities/tasks/submit-repository.ts';
import { Task } from '../../entities/tasks/task.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { audit } from '../audit.ts';
import type { CallInTenant } from '../define.ts';
import { digestOf } from '../digest-of.ts';
import { IdempotencyConflict } from '../operation-errors.ts';
import type { CallerOptions } from '../tasks/submit-options.ts';
import { taskIdOf } from '../tasks/task-fields.ts';
import { jobOf, type PreparedTask, writeTasks } from '../tasks/write-tasks.ts';
import type { ForkOrigin } from './fork-origin.ts';
import type { ForkInput, ForkReport } from './fork-words.ts';

/** The ids of a fork that is to be written: the same each time the unit of work runs. */
export interface ForkIds {
  readonly taskId: TaskId;
  /** The trace that its first claim opens. */
  readonly traceId: TraceId;
}

/** The task of a fork. */
export interface WrittenFork extends Pick<ForkReport, 'status' | 'duplicate'> {
  readonly taskId: TaskId;
}

/**
 * The fork that this very call has written before, after a commit whose answer was lost, or a call under the same key before
 * it; null where there is none. @throws TaskUnknown, IdempotencyConflict
 */
export async function knownFork(
  { em, caller: { tenant } }: CallInTenant,
  { taskId }: ForkIds,
  input: ForkInput,
): Promise<WrittenFork | null> {
  const { key = null } = input;
  const requestHash = requestHashOf(tenant, input);
  const asked = { id: taskId, idempotencyKey: key } as NewTask;
  const [known] = await new SubmitRepository(em).findKnown(tenant, [asked]);
  if (known === undefined) return null;
  if (known.requestHash !== requestHash) throw new IdempotencyConflict(key ?? '', known.id);
  return { taskId: known.id, status: known.status, duplicate: known.id !== taskId };
}

/** Writes the task of a fork with all that it takes over. @throws IdempotencyConflict, InputInvalid, InputTooLarge, BudgetExhausted */
export async function writeFork(
  call: CallInTenant,
  origin: ForkOrigin,
  input: ForkInput & ForkIds,
): Promise<{ readonly written: WrittenFork; readonly job: WaitingJob | null }> {
  const { em, caller } = call;
  const prepared = await prepare(call, origin, input);
  const [written] = await writeTasks(em, caller.tenant, [prepared]);
  if (written === undefined) throw new Error('A write of one task answered for none.');
  const { id: taskId, status, duplicate } = written;
  if (!duplicate) await takeOver(call, origin, input);
  return { written: { taskId, status, duplicate }, job: jobOf(prepared, written) };
}

/** The fork has the input, the user and the place in the queue of the task that is forked, and acts for whom that one acts. */
async function prepare(
  { em, caller, stores }: CallInTenant,
  origin: ForkOrigin,
  input: ForkInput & ForkIds,
): Promise<PreparedTask> {
  const { task, head } = origin;
  const { key, title = task.title, priority = task.priority, budget } = input;
  const options: CallerOptions = {
    ...{ title, priority },
    ...(key !== undefined && { key }),
    ...(budget !== undefined && { budget }),
    ...(task.user !== null && { user: task.user }),
    ...(task.conversation !== null && { conversation: task.conversation }),
    ...(await ownConcurrencyKey(em, task)),
  };
  const whole = input.input ?? (await inputOf(em, origin));
  const prepared = await stores.submitterOf(caller.tenant).prepare(head, whole, options);
  const own = { id: input.taskId, requestHash: requestHashOf(caller.tenant, input) };
  const actsFor = task.actsFor.length > 0 ? { actsFor: task.actsFor } : {};
  return { ...prepared, task: { ...prepared.task, ...own, ...actsFor } };
}

async function inputOf(em: SqlEntityManager, { task }: ForkOrigin): Promise<JsonObject> {
  const loaded = await new ArtifactRepository(em).load(new Map([['input', task.input]]));
  // A task's input was an object when it was submitted.
  return loaded.get('input') as JsonObject;
}

/** What the task counts against besides what its tenant, user, graph and agents say. */
async function ownConcurrencyKey(em: SqlEntityManager, { id, tenant }: TaskRecord) {
  const { concurrencyKeys } = await em.findOneOrFail(Task, { id }, { fields: ['concurrencyKeys'] });
  const prefix = `key:${tenant}/`;
  const own = concurrencyKeys.find((key) => key.startsWith(prefix));
  return own === undefined ? {} : { concurrencyKey: own.slice(prefix.length) };
}

async function takeOver(
  { em, recorder, ...call }: CallInTenant,
  { task, trace, plan, half }: ForkOrigin,
  { taskId, traceId, model, provider, at }: ForkInput & ForkIds,
): Promise<void> {
  const from = { taskId: task.id, traceId: trace.id };
  const eventCount = await recorder.runsTakenOver({
    ...{ from, to: { taskId, traceId }, paths: plan.takenOver },
    half: half === null ? null : { path: half.path, step: half.step },
  });
  const origin = { originTaskId: task.id, originTraceId: trace.id, originNumber: trace.number };
  const point = { atPath: at.replace(/#.*$/, ''), atStep: half?.step ?? null };
  const takenCount = plan.takenOver.length + (half === null ? 0 : 1);
  const next = { nextTraceId: traceId, eventCount, takenCount };
  await new ForkRepository(em).insert({ taskId, tenantId: task.tenant, ...origin, ...point, ...next });
  const modelChoice = { ...(model !== undefined && { model }), ...(provider !== undefined && { provider }) };
  if (Object.keys(modelChoice).length > 0) await em.nativeUpdate(Task, { id: taskId }, { modelChoice });
  const details = { origin: task.id, trace: trace.number, at };
  await audit(em, call, { action: 'task.forked', subjectType: 'task', subjectId: taskId, details });
}

/** What a fork is known by under its key, besides the key, as it was asked for; empty without a key. @throws TaskUnknown */
function requestHashOf(tenant: TenantId, { id, key, at, ...how }: ForkInput): string {
  const fork = taskIdOf(tenant, id);
  const { input = null, trace = null, version = null, model = null, provider = null } = how;
  return key === undefined ? '' : digestOf({ fork, trace, at, input, version, model, provider });
}
