import assert from 'node:assert/strict';
import type { Failpoint } from '../../../domain/system/failpoints.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';
import { LARGE, World } from './world.ts';

/** Those of shared executions have tests of their own: `shared.test.ts`. */
type SharedFailpoint = 'after_shared_start_before_answer' | 'before_wave' | 'after_wave' | 'after_waves_before_report';

/** Those of thinking runs too: `thinking-faults.test.ts`. */
type ThinkingFailpoint = Extract<Failpoint, `after_${'model' | 'tool'}_${string}`>;

/** Where a worker dies, and at which arrival there, so that other nodes are under way already. */
const DEATHS = {
  after_begin_before_handler: 3,
  after_effect_before_record: 4,
  after_end_before_report: 3,
  after_stretch_before_report: 2,
  after_claim_before_acknowledge: 1,
  after_claim_before_start: 2,
  after_start_before_answer: 1,
  // Before a lease a worker holds nothing of the next tasks that its death could leave behind.
} as const satisfies Record<Exclude<Failpoint, 'before_lease' | SharedFailpoint | ThinkingFailpoint>, number>;

/** What a round of deaths leaves to be looked at. */
export interface Round {
  /** The worker that was killed while its handlers ran, and when. */
  readonly victim: WorkerProcess;
  readonly killedAtMs: number;
  /** Keys of the tasks whose handlers it ran. */
  readonly held: readonly string[];
  /** Key of a task whose worker died after an effect on a service that knows no keys. */
  readonly blind: string;
  readonly doomed: ReadonlyMap<Failpoint, WorkerProcess>;
}

export interface Deaths {
  readonly world: World;
  readonly rounds: readonly Round[];
}

/** Heartbeat timeouts and the reconciler's suspicion, 20 s each, and what follows them on a busy machine. */
export const RECOVERY_MS = 90_000;

/**
 * Lets workers die in the middle of handlers and at every failpoint, all in one go, because what follows each death is
 * mostly waiting; then lets others finish the work.
 */
export async function letWorkersDie(): Promise<Deaths> {
  const world = await World.open('deaths');
  await world.sink.setSlow(20);
  const rounds: Round[] = [];
  for (let number = 0; number < (LARGE ? 30 : 1); number += 1) rounds.push(await dieOnce(world, number));
  // The workers that finish the work of the dead.
  await Promise.all([world.spawn(), world.spawn()]);
  await world.allEnded(RECOVERY_MS);
  return { world, rounds };
}

async function dieOnce(world: World, number: number): Promise<Round> {
  // First of all, so that this worker finds nothing else to die at.
  const blind = `blind-${number}`;
  await dieAfterBlindEffect(world, blind);
  const started = Object.entries(DEATHS).map(async ([failpoint, arrival]) => {
    const worker = await world.spawn(`${failpoint}:kill:${arrival}`, { MUSTER_MAX_CONCURRENT_TASKS: '4' });
    return [failpoint as Failpoint, worker] as const;
  });
  const doomed = new Map(await Promise.all(started));
  await world.submitMany('mixed', 30);
  const stop = world.keepSubmitting('mixed', 100);
  const endings = await Promise.all([...doomed.values()].map((worker) => worker.ended));
  await stop();
  // Nothing but its failpoint kills a doomed worker, so this is the proof that each died there.
  assert.deepEqual(
    endings.map((ending) => ending.signal),
    endings.map(() => 'SIGKILL'),
  );
  return { ...(await killWhileHandling(world, number)), blind, doomed };
}

async function killWhileHandling(world: World, number: number): Promise<Pick<Round, 'victim' | 'killedAtMs' | 'held'>> {
  const victim = await world.spawn();
  const held = ['a', 'b', 'c'].map((name) => `held-${number}-${name}`);
  for (const key of held) await world.submit('held', key, 'high');
  for (const key of held) await world.waitingAt(key);
  victim.signal('SIGKILL');
  await victim.ended;
  return { victim, killedAtMs: Date.now(), held };
}

async function dieAfterBlindEffect(world: World, key: string): Promise<void> {
  const doomed = await world.spawn('after_effect_before_record:kill:1');
  await world.submit('blind', key);
  const { signal } = await doomed.ended;
  assert.equal(signal, 'SIGKILL');
  assert.equal((await world.sink.record()).effectsOn(`${key}/post`), 1);
}
