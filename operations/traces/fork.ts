import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { oneOf, text, wholeNumber, yesOrNo } from '../../options/fields.ts';
import { taskBudget } from '../budgets/budget-fields.ts';
import { type CallInTenant, defineOperation } from '../define.ts';
import { recording } from '../record/recording.ts';
import { enqueueJobs } from '../tasks/enqueue-jobs.ts';
import { name, objectInput } from '../tasks/task-fields.ts';
import { type Agreed, agreementTo } from './fork-consent.ts';
import { repeatedEffects } from './fork-effects.ts';
import { type ForkOrigin, readOrigin } from './fork-origin.ts';
import { priceFork } from './fork-price.ts';
import { changedInputs } from './fork-warnings.ts';
import type { ForkInput, ForkReport } from './fork-words.ts';
import { TRACE_FIELDS } from './trace-fields.ts';
import { knownFork, writeFork } from './write-fork.ts';

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
    version: wholeNumber({ min: 1, max: 1_000_000_000 }).optional(),
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
    const { report, job } = await recording({ units: stores.database, log: stores.log }, caller.tenant, (unit) =>
      fork({ ...call, ...unit, caller, stores }, input),
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

async function fork(call: CallInTenant, input: ForkInput): Promise<Forked> {
  const origin = await readOrigin(call, input);
  const agreed = await weigh(call, origin, input);
  const report = reportOf(origin, input, agreed);
  if (input.dryRun === true) return { report, job: null };
  const known = await knownFork(call, origin, input);
  if (known !== null) return { report: { ...report, ...known, duplicate: true }, job: null };
  agreed.require();
  const { written, job } = await writeFork(call, origin, input);
  return { report: { ...report, ...written }, job };
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
