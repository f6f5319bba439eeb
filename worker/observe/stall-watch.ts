import type { LoopPulse } from '../../domain/agents/liveness-stalls.ts';
import { type ProcessVitals, type Stall, stallsOf } from '../../domain/agents/liveness-stalls.ts';
import { Loop, type LoopLog } from '../../domain/system/loop.ts';
import { EventLoopLag } from './event-loop-lag.ts';

export interface WatchOptions {
  /** The loops of this process, without the watch's own. */
  readonly loops: () => readonly LoopPulse[];
  readonly load: () => { readonly free: number; readonly claimed: number; readonly heldPlaces: number };
  readonly temporal: () => ProcessVitals['temporal'];
  readonly repeating: () => ProcessVitals['repeating'];
  /** Asks PostgreSQL whether a task waits that this worker could take. */
  readonly hasWork: () => Promise<boolean>;
  readonly log: LoopLog & { info(facts: { readonly kind: string }, message: string): void };
}

const LOOK_EVERY_MS = 2_000;
/** A dispatcher that has claimed within this time is not checked: it takes work. */
const CLAIMED_LATELY_MS = 4_000;

/**
 * Finds out whether this process makes progress, by what it does. It looks every two seconds and logs each stall when
 * it begins and when it is over.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #loop: Loop;
  readonly #lag = new EventLoopLag();
  #claims = { count: -1, at: 0 };
  /** Since when work was seen at every look and none was taken; null while there is none. */
  #untakenSince: number | null = null;
  #known: ReadonlySet<string> = new Set();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#loop = new Loop({ name: 'watch', turn: () => this.#turn(), log: options.log });
  }

  start(): void {
    this.#lag.start();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#lag.stop();
  }

  /** The stalls of this process now. */
  stalls(): readonly Stall[] {
    const { loops, temporal, repeating } = this.#options;
    const untakenMs = this.#untakenSince === null ? 0 : performance.now() - this.#untakenSince;
    return stallsOf({
      eventLoopLagMs: this.eventLoopLagMs,
      loops: [...loops(), this.#loop.pulse],
      temporal: temporal(),
      untakenMs,
      heldPlaces: this.#options.load().heldPlaces,
      repeating: repeating(),
    });
  }

  /** The longest that a timer had to wait in the last 10 to 20 s. */
  get eventLoopLagMs(): number {
    return this.#lag.longestMs;
  }

  async #turn(): Promise<number> {
    await this.#lookForUntakenWork();
    this.#report();
    return LOOK_EVERY_MS;
  }

  async #lookForUntakenWork(): Promise<void> {
    const { free, claimed, heldPlaces } = this.#options.load();
    const now = performance.now();
    if (claimed !== this.#claims.count) this.#claims = { count: claimed, at: now };
    if ((free === 0 && heldPlaces === 0) || now - this.#claims.at < CLAIMED_LATELY_MS) {
      this.#untakenSince = null;
      return;
    }
    // While PostgreSQL does not answer, the last finding stays.
    if (await this.#options.hasWork()) this.#untakenSince ??= now;
    else this.#untakenSince = null;
  }

  #report(): void {
    const stalls = new Map(this.stalls().map((stall) => [stall.kind, stall]));
    for (const [kind, { detail }] of stalls) {
      if (!this.#known.has(kind)) this.#options.log.warn({ kind, detail }, 'this process is making no progress');
    }
    for (const kind of this.#known) {
      if (!stalls.has(kind as Stall['kind'])) this.#options.log.info({ kind }, 'this process is making progress again');
    }
    this.#known = new Set(stalls.keys());
  }
}
