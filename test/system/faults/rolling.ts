import { eventually } from '../../support/eventually.ts';
import type { Ending, WorkerProcess } from '../../support/worker-process.ts';
import { LARGE, World } from './world.ts';

export const GRACE_SECONDS = 2;
export const TASKS_PER_RESTART = 20;

export interface Restart {
  readonly ending: Ending;
  readonly tookMs: number;
}

export interface RolledOver {
  readonly world: World;
  readonly restarts: readonly Restart[];
  /** When the first worker was told to stop, which a handler of it did not heed. */
  readonly toldAtMs: number;
  /** Tasks that were in progress at the moments at which workers were told to stop. */
  readonly inProgress: readonly number[];
}

/** Replaces one worker after the other under load. The first one has a handler that takes longer than the grace time. */
export async function rollOver(): Promise<RolledOver> {
  const world = await World.open('rolling', { workers: { MUSTER_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS) } });
  await world.sink.setSlow(100);
  let current = await world.spawn();
  await world.submit('held', 'held');
  await world.waitingAt('held');
  const restarts: Restart[] = [];
  const inProgress: number[] = [];
  let toldAtMs = 0;
  for (let count = 0; count < (LARGE ? 100 : 3); count += 1) {
    const next = await world.spawn();
    await world.submitMany('mixed', TASKS_PER_RESTART);
    inProgress.push(await someInProgress(world));
    if (count === 0) toldAtMs = Date.now();
    restarts.push(await restart(current));
    current = next;
  }
  await world.allEnded(60_000);
  return { world, restarts, toldAtMs, inProgress };
}

/** As soon as more is in progress than the handler that holds on to the first worker. */
function someInProgress(world: World): Promise<number> {
  const look = async () => {
    const count = await world.count("status = 'in_progress'");
    if (count <= 2) throw new Error(`${count} tasks are in progress`);
    return count;
  };
  return eventually(look, { what: 'tasks in progress' });
}

async function restart(worker: WorkerProcess): Promise<Restart> {
  const told = performance.now();
  worker.signal('SIGTERM');
  const ending = await worker.ended;
  return { ending, tookMs: performance.now() - told };
}
