import { fileURLToPath } from 'node:url';
import type { PrivateStack } from '../../support/stack.ts';
import { World } from './world.ts';

const MODULE = fileURLToPath(new URL('./shared-graphs.ts', import.meta.url));

/** A world with waiting tasks that will share executions; it has no worker yet. */
export interface SharedWorld {
  readonly world: World;
  readonly labels: readonly string[];
  /** The runs that have ended, as the sink calls them. */
  written(): Promise<ReadonlySet<string>>;
  /** The shared executions that carry tasks, or carried them until their ends. */
  carriers(): Promise<readonly string[]>;
}

export interface SharedWorldOptions {
  readonly graph: 'told' | 'tasted';
  readonly tasks: number;
  /** Labels of tasks that come before all others. */
  readonly first?: readonly string[];
  /** How long each node takes. */
  readonly lagMs?: number;
  readonly stack?: PrivateStack;
}

/** The places of a worker that takes this many tasks at once: one of twenty is kept for urgent ones. */
export function placesFor(tasks: number): Readonly<Record<string, string>> {
  return { MUSTER_MAX_CONCURRENT_TASKS: String(Math.ceil(tasks / 0.95)) };
}

export async function openShared(title: string, options: SharedWorldOptions): Promise<SharedWorld> {
  const { graph, tasks, first = [], lagMs, stack } = options;
  const world = await World.open(title, { module: MODULE, ...(stack === undefined ? {} : { stack }) });
  const labels = [...first, ...Array.from({ length: tasks - first.length }, (_, index) => `task-${index}`)];
  const input = lagMs === undefined ? {} : { lagMs };
  await world.client.submitMany(
    graph,
    labels.map((label) => ({ input: { label, ...input }, key: label })),
  );
  return {
    world,
    labels,
    written: async () => {
      const rows = await world.query<{ subject: string }>(
        `select t.input ->> 'label' || '/' || r.node_id as subject
         from muster.agent_runs r join muster.agent_traces a on a.id = r.trace_id join muster.tasks t on t.id = a.task_id
         where r.finished_at is not null`,
      );
      return new Set(rows.map(({ subject }) => subject));
    },
    carriers: async () => {
      const rows = await world.query<{ id: string }>(
        'select distinct carried_by as id from muster.agent_traces where carried_by is not null',
      );
      return rows.map(({ id }) => id);
    },
  };
}
