import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Loop, type LoopLog } from '../dispatcher/loop.ts';
import type { LoopPulse } from '../domain/agents/liveness-stalls.ts';
import { type ProcessVitals, type Stall, stallsOf } from '../domain/agents/liveness-stalls.ts';

export interface WatchOptions {
  /** The loops of this process, without the watch's own. */
  readonly loops: () => readonly LoopPulse[];
  readonly load: () => { readonly free: number; readonly claimed: number };
  readonly temporal: () => ProcessVitals['temporal'];
  readonly repeating: () => ProcessVitals['repeating'];
  /** Asks PostgreSQL whether a task waits that this worker could take. */
  readonly hasWork: () => Promise<boolean>;
  readonly log: LoopLog & { info(facts: { readonly kind: string }, message: string): void };
}

const LOOK_EVERY_MS = 2_000;
/** A dispatcher that has claimed within this time is not asked about: it takes work. */
const CLAIMED_LATELY_MS = 4_000;
/** How long a delay of the event loop is remembered, at least; twice that at most. */
const REMEMBER_LAG_MS = 10_000;
const NANOSECONDS_PER_MS = 1_000_000;

/**
 * Finds out whether this process gets on, from what it does and not from what it says. It looks every two seconds; what it
 * finds is logged when it begins and when it is over.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #loop: Loop;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  #lag = { before: 0, rotatedAt: 0 };
  #claims = { count: -1, at: 0 };
  /** Since when work was seen at every look and none was taken; null while there is none. */
  #untakenSince: number | null = null;
  #known: ReadonlySet<string> = new Set();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#loop = new Loop('watch', options.log, () => this.#turn());
  }

  start(): void {
    this.#delay.enable();
    this.#lag.rotatedAt = performance.now();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#delay.disable();
  }

  /** What keeps this process from getting on at this moment. */
  stalls(): readonly Stall[] {
    const { loops, temporal, repeating } = this.#options;
    const untakenMs = this.#untakenSince === null ? 0 : performance.now() - this.#untakenSince;
    return stallsOf({
      eventLoopLagMs: this.eventLoopLagMs,
      loops: [...loops(), this.#loop.pulse],
      temporal: temporal(),
      untakenMs,
      repeating: repeating(),
    });
  }

  /** The longest that a timer had to wait in the last 10 to 20 s. */
  get eventLoopLagMs(): number {
    return Math.max(this.#lag.before, this.#delay.max / NANOSECONDS_PER_MS);
  }

  async #turn(): Promise<number> {
    this.#forgetOldLag();
    await this.#lookForUntakenWork();
    this.#report();
    return LOOK_EVERY_MS;
  }

  #forgetOldLag(): void {
    if (performance.now() - this.#lag.rotatedAt < REMEMBER_LAG_MS) return;
    this.#lag = { before: this.#delay.max / NANOSECONDS_PER_MS, rotatedAt: performance.now() };
    this.#delay.reset();
  }

  async #lookForUntakenWork(): Promise<void> {
    const { free, claimed } = this.#options.load();
    const now = performance.now();
    if (claimed !== this.#claims.count) this.#claims = { count: claimed, at: now };
    if (free === 0 || now - this.#claims.at < CLAIMED_LATELY_MS) {
      this.#untakenSince = null;
      return;
    }
    // While PostgreSQL does not answer nobody knows, and what was known stays.
    if (await this.#options.hasWork()) this.#untakenSince ??= now;
    else this.#untakenSince = null;
  }

  #report(): void {
    const stalls = new Map(this.stalls().map((stall) => [stall.kind, stall]));
    for (const [kind, { detail }] of stalls) {
      if (!this.#known.has(kind)) this.#options.log.warn({ kind, detail }, 'this process does not get on');
    }
    for (const kind of this.#known) {
      if (!stalls.has(kind as Stall['kind'])) this.#options.log.info({ kind }, 'this process gets on again');
    }
    this.#known = new Set(stalls.keys());
  }
}
