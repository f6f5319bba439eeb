import { Context } from '@temporalio/activity';
import { startGraph } from '../../domain/graphs/graph-state.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { ExecuteTasksResult } from '../../domain/tasks/shared-execution.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { type CarriedTask, openTogether } from '../../operations/record/shared-traces.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { Breath } from '../tasks/breath.ts';
import { stretchFrom } from '../tasks/stretch.ts';
import { leave } from './leave.ts';
import { Member } from './member.ts';
import { Waves } from './waves.ts';

export interface RunTogetherInput {
  readonly tasks: readonly TaskId[];
}

/**
 * Carries many small tasks out side by side, in waves that are each written before the next begins: see {@link Waves}.
 * Repeating it, after a crash or an outage, continues with what is written.
 */
export async function runTogether(
  deps: ActivityDependencies,
  { tasks }: RunTogetherInput,
): Promise<ExecuteTasksResult> {
  const { info, cancellationSignal } = Context.current();
  const carrier = info.workflowExecution?.workflowId ?? '';
  try {
    const members = await openMembers(deps, carrier, tasks);
    const counts = await new Waves({ deps, carrier, members, cancellation: cancellationSignal }).run();
    await deps.reach('after_waves_before_report');
    return counts;
  } catch (error) {
    throw toFailure(error);
  }
}

async function openMembers(
  deps: ActivityDependencies,
  carrier: string,
  ids: readonly TaskId[],
): Promise<readonly Member[]> {
  const { database } = deps;
  const carried = await database.single.inSystem('dispatch', ({ em }) => openTogether(em, carrier, ids));
  const underWay = carried.filter(({ isUnderWay }) => isUnderWay).map(({ execution }) => execution.traceId);
  const runs =
    underWay.length === 0
      ? []
      : await database.single.inSystem('dispatch', ({ em }) => new RunRepository(em).listAll(underWay));
  const breath = new Breath();
  const opened = await Promise.all(carried.map((one) => openMember({ deps, breath }, one, runs)));
  const unusable = carried.filter((_, index) => opened[index] === null).map(({ execution }) => execution);
  await leave(deps, carrier, unusable);
  return opened.filter((member) => member !== null);
}

/** Null for one whose graph cannot be used: an execution of its own ends it. */
async function openMember(
  { deps, breath }: Pick<Member, 'deps' | 'breath'>,
  { execution, task, tries, standing }: CarriedTask,
  all: readonly (RunRecord & { readonly traceId: string })[],
): Promise<Member | null> {
  const definition = await deps.graphs.usable(execution);
  if ('fault' in definition) return null;
  const runs = all.filter(({ traceId }) => traceId === execution.traceId);
  const inline = task.input.artifactId === null;
  const stretch = stretchFrom({
    ...{ definition, state: startGraph(definition), unhosted: [], tries, runs },
    values: { task: inline ? JSON.parse(task.input.json ?? 'null') : null, outputs: new Map() },
    reads: { task: inline, paths: [] },
  });
  const member = new Member({ deps, execution, hasDeadline: task.deadlineAt !== null, stretch, breath, tries });
  member.heed(standing);
  return member;
}
