import { newId } from '../../database/new-id.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { oneOf, text, yesOrNo } from '../../options/fields.ts';
import { taskBudget } from '../budgets/budget-fields.ts';
import { type CallInTenant, defineOperation } from '../define.ts';
import { versionNumber } from '../graphs/graph-fields.ts';
import { requireGrantedIfNew } from '../graphs/require-granted.ts';
import { recording } from '../record/recording.ts';
import { enqueueJobs } from '../tasks/enqueue-jobs.ts';
import { name, objectInput } from '../tasks/task-fields.ts';
import { type Agreed, agreementTo } from './fork-consent.ts';
import { repeatedEffects } from './fork-effects.ts';
import { type ForkOrigin, readOrigin } from './fork-origin.ts';
import { FREE, priceFork } from './fork-price.ts';
import { takenOverBy } from './fork-view.ts';
import { changedInputs } from './fork-warnings.ts';
import type { ForkInput, ForkReport } from './fork-words.ts';
import { TRACE_FIELDS } from './trace-fields.ts';
import { type ForkIds, knownFork, type WrittenFork, writeFork } from './write-fork.ts';

/**
 * All or nothing: the task is written in one transaction with all that it takes over. Its trace is opened when it starts, and
 * finds that there.
 */
export const forkTask = defineOperation({
  name: 'tasks.fork',
  summary:
    'Makes a new task of the trace of another one: it takes over what ran before a point, and runs what follows.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'tasks:write',
  by: 'person',
  limit: 'submit',
  unit: 'none',
  input: {
    ...TRACE_FIELDS,
    at: text({ max: 1_000 }),
    input: objectInput.optional(),
    version: versionNumber.optional(),
    model: name,
    provider: name,
    key: name,
    title: text({ max: 500 }).optional(),
    priority: oneOf(PRIORITY_BANDS).optional(),
    budget: taskBudget.optional(),
    effects: oneOf(['repeat']).optional(),
    consent: text().optional(),
    dryRun: yesOrNo.optional(),
  },
  async handle({ caller, stores, ...call }, input: ForkInput): Promise<ForkReport> {
    // Once: a unit that runs again, after a commit whose answer was lost, meets its own task.
    const ids: ForkIds = { taskId: newId<TaskId>(), traceId: newId<TraceId>() };
    const { report, job } = await recording({ units: stores.database, log: stores.log }, caller.tenant, (unit) =>
      fork({ ...call, ...unit, caller, stores }, ids, input),
    );
    // Only a hint: the outbox has a row for it.
    if (job !== null) await enqueueJobs(stores.queueFor, [job]).catch(() => undefined);
    return report;
  },
});

interface Forked {
  readonly report: ForkReport;
  readonly job: WaitingJob | null;
}

async function fork(call: CallInTenant, ids: ForkIds, input: ForkInput): Promise<Forked> {
  // Before the origin is read: the first fork is found when that one is gone, too.
  const known = input.dryRun === true ? null : await knownFork(call, ids, input);
  if (known?.duplicate) return repeated(call, known, input);
  const origin = await readOrigin(call, input);
  await requireGrantedIfNew(call.em, call, { id: origin.head.id, definition: origin.to });
  const agreed = await weigh(call, origin, input);
  const report = reportOf(origin, input, agreed);
  if (input.dryRun === true) return { report, job: null };
  if (known !== null) return { report: { ...report, ...known }, job: null };
  agreed.require();
  const { written, job } = await writeFork(call, origin, { ...ids, ...input });
  if (written.duplicate) return repeated(call, written, input);
  return { report: { ...report, ...written }, job };
}

/** The answer to a repetition: from what the fork has kept. Nothing is weighed, as nothing more is done. */
async function repeated({ em }: CallInTenant, known: WrittenFork, { at }: ForkInput): Promise<Forked> {
  const nothing = { again: [], further: [], cost: FREE, effects: [], warnings: [], consent: null };
  const kept = await takenOverBy(em, known.taskId);
  return { report: { dryRun: false, ...known, ...kept, ...nothing, origin: { ...kept.origin, at } }, job: null };
}

async function weigh({ em }: CallInTenant, origin: ForkOrigin, input: ForkInput): Promise<Agreed> {
  const { task, trace, to, plan, half } = origin;
  const request = { tenant: task.tenant, graph: task.graph, traceId: trace.id, half, plan };
  const cost = await priceFork(em, to, request);
  const effects = await repeatedEffects(em, task.id, { plan, half });
  const warnings = await changedInputs(em, origin, input);
  return agreementTo({ origin, input, cost, effects, warnings });
}

function reportOf({ task, trace, plan }: ForkOrigin, { at, dryRun = false }: ForkInput, agreed: Agreed): ForkReport {
  const { cost, effects, warnings, consent } = agreed;
  return {
    ...{ dryRun, taskId: null, status: null, duplicate: false },
    origin: { taskId: task.id, traceId: trace.id, trace: trace.number, at },
    ...plan,
    ...{ cost, effects, warnings, consent },
  };
}
