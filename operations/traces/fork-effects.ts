import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ForkPlan } from '../../domain/graphs/fork-plan.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import type { ModelCall } from '../../entities/thinking/model-call.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';

/** A step of a thinking run, with what it asked for. */
export interface TakenStep {
  readonly call: ModelCall;
  readonly tools: readonly ToolCall[];
}

/** A thinking run that continues in the middle, with the steps that are taken over. */
export interface TakenSteps {
  readonly path: RunPath;
  readonly step: number;
  readonly taken: readonly TakenStep[];
}

/** The effects that a task has recorded and that its fork would make again, by their keys. */
export async function repeatedEffects(
  em: SqlEntityManager,
  taskId: TaskId,
  { plan: { takenOver, again }, half }: { readonly plan: ForkPlan; readonly half: TakenSteps | null },
): Promise<readonly string[]> {
  const repeats = new Set(again);
  const paths = [...takenOver, ...again];
  const keys = await new ForkRepository(em).effectKeys(taskId);
  return keys.filter((key) => {
    const place = key.slice(taskId.length + 1).replace(/^\d+\//, '');
    const path = runOf(place, paths);
    return path !== null && repeats.has(path) && !(half?.path === path && isOfTaken(place, half.taken));
  });
}

/** The run whose effect stands at a place. The path of a graph's container begins those of the runs within. */
function runOf(place: string, paths: readonly RunPath[]): RunPath | null {
  const fitting = paths.filter((path) => place.startsWith(`${path}/`) || place.startsWith(`${path}#`));
  return fitting.toSorted((one, other) => other.length - one.length)[0] ?? null;
}

/** Whether a call of a tool made the effect that is taken over: the place holds the digest of the call. */
function isOfTaken(place: string, taken: readonly TakenStep[]): boolean {
  return taken.some(({ tools }) =>
    tools.some(({ tool, digest }) => place.includes(`#${tool}/${digest.slice(0, 32)}/`)),
  );
}
