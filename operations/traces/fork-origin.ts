import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { GraphMissing } from '../../database/database-errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type ForkPlan, planFork } from '../../domain/graphs/fork-plan.ts';
import type { GraphId } from '../../domain/ids.ts';
import { isOpenCall } from '../../domain/thinking/states.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import type { TraceRecord } from '../../entities/traces/trace-repository.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import type { CallInTenant } from '../define.ts';
import { TracePruned } from '../operation-errors.ts';
import { requireTask } from '../tasks/read.ts';
import type { TakenStep, TakenSteps } from './fork-effects.ts';
import { ForkPointUnknown } from './fork-errors.ts';
import { requireTrace } from './stored-trace.ts';

/** Which task is forked, where, and into which version of its graph. */
export interface ForkPoint {
  readonly id: string;
  readonly at: string;
  readonly trace?: number;
  readonly version?: number;
}

/** A trace that is forked, with what is taken over from it. */
export interface ForkOrigin {
  readonly task: TaskRecord;
  readonly trace: TraceRecord;
  /** The graph of the origin, and that of the fork. */
  readonly from: GraphDefinition;
  readonly to: GraphDefinition;
  readonly head: GraphHead;
  readonly runs: readonly RunRecord[];
  readonly plan: ForkPlan;
  readonly half: TakenSteps | null;
}

/** Reads what is to be forked, as it stands now. @throws TaskUnknown, TraceUnknown, ForkPointUnknown, TracePruned, GraphMissing, OptionInvalid */
export async function readOrigin(call: CallInTenant, point: ForkPoint): Promise<ForkOrigin> {
  const { em, caller } = call;
  const task = await requireTask(em, caller.tenant, point.id);
  const trace = await requireTrace(em, task, point.trace);
  const from = await graphOf(em, trace.graphId);
  const head = await headOf(call, task, { trace, version: point.version });
  const to = head.id === trace.graphId ? from : await graphOf(em, head.id);
  const { path, step } = readPoint(point.at);
  const runs = await new RunRepository(em).list(trace.id);
  if (runs.length === 0 && trace.finishedAt !== null) throw new TracePruned(task, 'events');
  const origins = runs.map(({ nodeId: path, kind, agent: performer, status, error }) => {
    return { path, kind, performer, status, error };
  });
  const plan = planFork({ from, to, runs: origins, at: path });
  if (plan === null) throw new ForkPointUnknown(point.at, `the graph "${to.name}" has no run of this path.`);
  const half = step <= 1 ? null : await takenSteps(em, { task, trace, runs, path, step });
  return { task, trace, from, to, head, runs, plan, half };
}

/** In this unit of work: one that waited for another connection would hold its own. */
async function graphOf(em: SqlEntityManager, id: GraphId): Promise<GraphDefinition> {
  const graph = await new GraphRepository(em).load(id);
  if (graph === null) throw new GraphMissing(id);
  return graph.definition;
}

/** Reads `PATH` or `PATH#STEP`. The graph says whether there is such a run. */
function readPoint(at: string): { readonly path: RunPath; readonly step: number } {
  const [, path = '', step] = /^([^#]*)(?:#([1-9]\d{0,5}))?$/.exec(at) ?? [];
  if (path === '') throw new ForkPointUnknown(at, 'expected the path of a run, and perhaps a step: each[3]/draft#2.');
  return { path, step: step === undefined ? 1 : Number(step) };
}

/** The version of the graph that the fork runs. @throws OptionInvalid */
async function headOf(
  { em, caller }: CallInTenant,
  { graph }: TaskRecord,
  { trace, version }: { readonly trace: TraceRecord; readonly version: number | undefined },
): Promise<GraphHead> {
  const { tenant } = caller;
  const graphs = new GraphRepository(em);
  const own = version === undefined;
  const head = await (own ? graphs.headOf(tenant, trace.graphId) : graphs.head(tenant, graph, version));
  if (head !== null) return head;
  if (own) throw new GraphMissing(trace.graphId);
  throw new OptionInvalid('tasks.fork', [`the graph "${graph}" has no version ${version}`]);
}

interface Continued {
  readonly task: TaskRecord;
  readonly trace: TraceRecord;
  readonly runs: readonly RunRecord[];
  readonly path: RunPath;
  readonly step: number;
}

/** The steps before this one. All of them, with the tools that they asked for, have to have ended. @throws ForkPointUnknown */
async function takenSteps(em: SqlEntityManager, { task, trace, runs, path, step }: Continued): Promise<TakenSteps> {
  const refuse = (fault: string) => new ForkPointUnknown(`${path}#${step}`, fault);
  const steps = await stepsOf(em, { task, trace, path });
  const taken = steps.filter(({ call }) => call.step < step);
  if (steps.length === 0 || !runs.some(({ nodeId }) => nodeId === path)) throw refuse('the run has no steps.');
  if (taken.length < step - 1) throw refuse(`the run has ${steps.length} steps; name one from 1 to ${steps.length}.`);
  const open = taken.find((one) => !hasEnded(one));
  if (open !== undefined) throw refuse(`step ${open.call.step} has no certain end.`);
  const isLast = taken.at(-1)?.tools.length === 0 && !taken.at(-1)?.call.fault;
  if (isLast) throw refuse(`step ${step - 1} was the last one.`);
  return { path, step, taken };
}

async function stepsOf(
  em: SqlEntityManager,
  { task, trace, path }: Pick<Continued, 'task' | 'trace' | 'path'>,
): Promise<readonly TakenStep[]> {
  const { models, tools } = await new ThinkingRepository(em).ofTask(task.id);
  const isOfRun = (call: { readonly traceId: string; readonly path: string }) =>
    call.traceId === trace.id && call.path === path;
  const own = tools.filter(isOfRun);
  return models.filter(isOfRun).map((call) => ({ call, tools: own.filter(({ step }) => step === call.step) }));
}

function hasEnded({ call, tools }: TakenStep): boolean {
  return call.state === 'done' && tools.every(({ state }) => !isOpenCall(state) && state !== 'in_doubt');
}
