import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../../../domain/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { carryOut, type HappenedFault } from './faults.ts';
import { Installation } from './installation.ts';
import { type Disturbance, liftRateLimit } from './limits.ts';
import { type Load, startLoad } from './load.ts';
import { SeededRandom } from './random.ts';
import { RunLog } from './run-log.ts';
import { type Sampler, startSampler } from './sampler.ts';
import { planFaults, type ScheduledFault, scheduleText } from './schedule.ts';
import { forceZombie, refusals } from './zombie.ts';

/** What a run leaves behind to be checked. */
export interface RunOutcome {
  readonly installation: Installation;
  readonly happened: readonly HappenedFault[];
  readonly load: Load;
  readonly sampler: Sampler;
  /** When the limiter could not be exact, by the clock of the handlers. */
  readonly disturbances: readonly Disturbance[];
  /** When the rate limit was lifted, by the same clock. */
  readonly limitedUntilMs: number;
  /** Codes with which writes were refused once the zombie continued, and before. */
  readonly zombieRefusals: readonly string[];
  readonly refusedBefore: readonly string[];
  /** Why work did not come to its end after the last heal; null when it did. */
  readonly stuck: string | null;
  readonly drainMs: number;
}

/**
 * Work is stuck when none of it ends for so long: two heartbeat timeouts of 20 s, the reconciler's suspicion and the
 * back-offs between tries, on a busy machine. How long all of it takes is the machine's affair.
 */
const STUCK_AFTER_MS = 120_000;
/** How long an effect takes: long enough for faults to find handlers in the middle of theirs. */
const EFFECT_MS = 120;
const ZOMBIE_AFTER_SHARE = 0.3;

/** One run of the nemesis: faults drawn from a seed over a random load, then peace until all work has ended. */
export class NemesisRun {
  readonly seed: number;
  readonly seconds: number;
  readonly schedule: readonly ScheduledFault[];
  readonly log = new RunLog();
  installation: Installation | null = null;
  /** What continues until it is stopped. */
  readonly #running: { stop(): Promise<unknown> }[] = [];

  constructor({ seed, seconds }: { seed: number; seconds: number }) {
    this.seed = seed;
    this.seconds = seconds;
    this.schedule = planFaults({ seed, seconds });
  }

  async play(): Promise<RunOutcome> {
    const installation = await Installation.open(this.log);
    this.installation = installation;
    await installation.world.sink.setSlow(EFFECT_MS);
    const load = startLoad(installation.callers, new SeededRandom(this.seed).fork());
    const sampler = startSampler(installation);
    this.#running.push(load, sampler);
    const faults = carryOut(installation, this.schedule);
    const zombie = forceZombieLater(installation, this.seconds * 1_000 * ZOMBIE_AFTER_SHARE).catch(this.#noted);
    // It does not wait for the last worker to be back: on a busy machine that takes long, and faults are over by then.
    const loaded = pause(this.seconds * 1_000).then(() => load.stop());
    const [happened] = await Promise.all([faults, zombie, loaded]);
    this.log.note('everything is healed');
    const limitedUntilMs = Date.now();
    await liftRateLimit(installation.world);
    const refusedBefore = await refusals(installation.world);
    const disturbances = disturbancesOf(happened);
    const zombieRefusals = await (await zombie)?.resume().catch(this.#noted);
    const startedAt = performance.now();
    const stuck = await drain(installation).then(() => null, errorMessage);
    await sampler.stop();
    const drainMs = performance.now() - startedAt;
    return {
      installation,
      happened,
      load,
      sampler,
      disturbances,
      limitedUntilMs,
      zombieRefusals: zombieRefusals ?? [],
      refusedBefore,
      stuck,
      drainMs,
    };
  }

  /** What fails here is not to keep the invariants from being looked at; that nothing was refused fails one of them. */
  readonly #noted = (error: unknown): null => {
    this.log.note(errorMessage(error));
    return null;
  };

  /** Everything that is needed to understand a failure, and to bring it about again. */
  get account(): string {
    const histories = this.installation?.callers.map(({ tenant, history }) =>
      history.entries.map(({ key, startedAtMs, tookMs, outcome }) => {
        const what = outcome.kind === 'ok' ? `ok ${outcome.taskId}` : `${outcome.kind} ${outcome.error.message}`;
        return `${tenant} ${key} at ${startedAtMs.toFixed(0)} for ${tookMs.toFixed(0)} ms: ${what}`;
      }),
    );
    return [
      `== again with MUSTER_NEMESIS_SEED=${this.seed} MUSTER_NEMESIS_SECONDS=${this.seconds}`,
      ...['== schedule', scheduleText(this.schedule), '== log', this.log.text],
      ...['== history', ...(histories ?? []).flat()],
    ].join('\n');
  }

  async close(): Promise<void> {
    for (const part of this.#running) await part.stop();
    await this.installation?.close();
  }
}

/** Faults of Redis, and workers that are stopped for a while with an answer in their hands. */
function disturbancesOf(happened: readonly HappenedFault[]): readonly Disturbance[] {
  return happened.filter(({ target, kind }) => target === 'redis' || kind === 'freeze');
}

async function forceZombieLater(installation: Installation, afterMs: number) {
  await pause(afterMs);
  return forceZombie(installation);
}

/** Every submit has its answer, no task is open, and no message waits: one whose process died comes again after its lease. */
async function drain({ callers, world }: Installation): Promise<void> {
  for (const caller of callers) {
    for (const key of caller.history.unresolved()) {
      await eventually(
        async () => {
          await caller.repeat(key);
          return !caller.history.unresolved().includes(key);
        },
        { withinMs: 30_000, what: `an answer for ${key} of ${caller.tenant}` },
      );
    }
  }
  const openTasks = () => world.count('completed_at is null');
  for (let open = await openTasks(); open > 0; open = await openTasks()) {
    const some = async () => assert.ok((await openTasks()) < open, `${open} tasks have not ended`);
    await eventually(some, { withinMs: STUCK_AFTER_MS, everyMs: 200, what: 'the end of another task' });
  }
  const waiting = "select id from muster.agent_messages where status in ('pending', 'leased')";
  await eventually(async () => assert.deepEqual(await world.query(waiting), []), { withinMs: STUCK_AFTER_MS });
}
