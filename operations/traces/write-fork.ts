import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
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
import { jobOf, type PreparedTask, writeTasks } from '../tasks/write-tasks.ts';
import type { ForkOrigin } from './fork-origin.ts';
import type { ForkInput, ForkReport } from './fork-words.ts';

type WrittenFork = Pick<ForkReport, 'taskId' | 'status' | 'duplicate'>;

/** The fork that was made under this key before; null where none was. @throws IdempotencyConflict */
export async function knownFork(
  { em, caller }: CallInTenant,
  origin: ForkOrigin,
  input: ForkInput,
): Promise<WrittenFork | null> {
  if (input.key === undefined) return null;
  const asked = { id: newId(), idempotencyKey: input.key } as NewTask;
  const [known] = await new SubmitRepository(em).findKnown(caller.tenant, [asked]);
  if (known === undefined) return null;
  if (known.requestHash !== digestOf(requestOf(origin, input))) throw new IdempotencyConflict(input.key, known.id);
  return { taskId: known.id, status: known.status, duplicate: true };
}

/** Writes the task of a fork with all that it takes over. @throws IdempotencyConflict, InputInvalid, InputTooLarge, BudgetExhausted */
export async function writeFork(
  call: CallInTenant,
  origin: ForkOrigin,
  input: ForkInput,
): Promise<{ readonly written: WrittenFork; readonly job: WaitingJob | null }> {
  const { em, caller } = call;
  const prepared = await prepare(call, origin, input);
  const [written] = await writeTasks(em, caller.tenant, [prepared]);
  if (written === undefined) throw new Error('A write of one task answered for none.');
  const { id: taskId, status, duplicate } = written;
  if (!duplicate) await takeOver(call, origin, { ...input, taskId });
  return { written: { taskId, status, duplicate }, job: jobOf(prepared, written) };
}

/** The fork has the input, the user and the place in the queue of the task that is forked, and acts for whom that one acts. */
async function prepare(
  { em, caller, stores }: CallInTenant,
  origin: ForkOrigin,
  input: ForkInput,
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
  const requestHash = key === undefined ? '' : digestOf(requestOf(origin, input));
  const actsFor = task.actsFor.length > 0 ? { actsFor: task.actsFor } : {};
  return { ...prepared, task: { ...prepared.task, requestHash, ...actsFor } };
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
  { taskId, model, provider, at }: ForkInput & { readonly taskId: TaskId },
): Promise<void> {
  const traceId = newId<TraceId>();
  const from = { taskId: task.id, traceId: trace.id };
  const eventCount = await recorder.runsTakenOver({
    ...{ from, to: { taskId, traceId }, paths: plan.takenOver },
    half: half === null ? null : { path: half.path, step: half.step },
  });
  const origin = { originTaskId: task.id, originTraceId: trace.id, originNumber: trace.number };
  const point = { atPath: at.replace(/#.*$/, ''), atStep: half?.step ?? null };
  const next = { nextTraceId: traceId, eventCount };
  await new ForkRepository(em).insert({ taskId, tenantId: task.tenant, ...origin, ...point, ...next });
  const modelChoice = { ...(model !== undefined && { model }), ...(provider !== undefined && { provider }) };
  if (Object.keys(modelChoice).length > 0) await em.nativeUpdate(Task, { id: taskId }, { modelChoice });
  const details = { origin: task.id, trace: trace.number, at };
  await audit(em, call, { action: 'task.forked', subjectType: 'task', subjectId: taskId, details });
}

/** What a fork is known by under its key, besides the key. */
function requestOf({ task, trace }: ForkOrigin, input: ForkInput): Json {
  const { at, version = null, model = null, provider = null } = input;
  return { fork: task.id, trace: trace.number, at, input: input.input ?? null, version, model, provider };
}
