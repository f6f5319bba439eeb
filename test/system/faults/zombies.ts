import { eventually } from '../../support/eventually.ts';
import type { Ending, WorkerProcess } from '../../support/worker-process.ts';
import { World } from './world.ts';

/** What a worker leaves to be looked at that came back after others had taken over its work. */
export interface Zombies {
  readonly world: World;
  readonly zombie: WorkerProcess;
  readonly ending: Ending;
  /** The worker that took over. */
  readonly heir: WorkerProcess;
}

/** Longer than two heartbeat timeouts of 20 s, on a busy machine. */
const TAKEN_OVER_WITHIN_MS = 90_000;

/**
 * Stops a worker in the middle of its handlers until another one has taken them over, and lets it continue: with one task
 * that has ended meanwhile, one whose next attempt is under way, and one whose next try of a quick stretch is written.
 * Before that, while it is well, an attempt outlives its own timeout.
 */
export async function letZombiesWrite(): Promise<Zombies> {
  const world = await World.open('zombies');
  // As many nodes as it will have: one that had room for more would keep taking them while it is stopped.
  const zombie = await world.spawn(undefined, { MUSTER_MAX_CONCURRENT_NODES: '2' });
  await outliveTimeout(world);
  await world.submit('straggling', 'ended');
  await world.submit('straggling', 'running');
  await world.submit('quick-held', 'stretch');
  await world.sink.open('ended/again');
  for (const gate of ['ended', 'running', 'stretch']) await world.waitingAt(gate);
  zombie.signal('SIGSTOP');

  const heir = await world.spawn();
  await takenOver(world);
  for (const gate of ['ended', 'running', 'stretch']) await world.sink.open(gate);
  zombie.signal('SIGCONT');
  await cameToWriting(world, [...writesOf('ended'), ...writesOf('running'), `stretch/seen/${zombie.pid}`]);
  zombie.signal('SIGTERM');
  const ending = await zombie.ended;

  for (const key of ['running', 'stretch']) await world.sink.open(`${key}/again`);
  await world.allEnded(30_000);
  return { world, zombie, ending, heir };
}

/** The later attempts are there: one has ended its task, the others wait. */
async function takenOver(world: World): Promise<void> {
  const look = async () => {
    const { waiting } = await world.sink.record();
    const ended = await world.count("idempotency_key = 'ended' and completed_at is not null");
    const there = ended === 1 && ['running/again', 'stretch/again'].every((gate) => waiting.includes(gate));
    if (!there) throw new Error(`ended: ${ended}, waiting: ${waiting.join(', ')}`);
  };
  await eventually(look, { withinMs: TAKEN_OVER_WITHIN_MS, everyMs: 200, what: 'the take-over' });
}

/** The second attempt waits when the first one continues, long after its signal; then the second one continues too. */
async function outliveTimeout(world: World): Promise<void> {
  await world.submit('overdue', 'overdue');
  await world.waitingAt('overdue/again');
  await world.sink.open('overdue');
  await cameToWriting(world, writesOf('overdue'));
  await world.sink.open('overdue/again');
}

/** What the first attempt of a straggler notes at the sink when it is refused. */
export function writesOf(key: string): string[] {
  return [`${key}/1/artifact`, `${key}/1/effect`];
}

async function cameToWriting(world: World, keys: readonly string[]): Promise<void> {
  const look = async () => {
    const record = await world.sink.record();
    const missing = keys.filter((key) => record.calls(key) === 0);
    if (missing.length > 0) throw new Error(`not yet: ${missing.join(', ')}`);
  };
  await eventually(look, { withinMs: 20_000, everyMs: 50, what: 'the writing of attempts that were overtaken' });
}
