import { Context } from '@temporalio/activity';
import type { Json } from '../../domain/json.ts';

/** How often a running attempt says that it lives, well inside the heartbeat timeout of `workflows/activities.ts`. */
const EVERY_MS = 2_000;
/** A beat that comes so late has most likely cost the attempt its place: the server waits for 20 seconds. */
const BLOCKED_MS = 15_000;

export interface BeatOptions {
  /** Told when the event loop stood still for {@link BLOCKED_MS} or longer, once it moves again. */
  readonly blocked?: (ms: number) => void;
}

/** The heartbeat of one attempt: it tells Temporal that the attempt lives, and itself whether the event loop does. */
export class Beat {
  readonly #activity = Context.current();
  readonly #timer: NodeJS.Timeout;
  readonly #options: BeatOptions;
  #details: Json;
  #lastAt = performance.now();
  #longestMs = 0;

  constructor(details: Json = null, options: BeatOptions = {}) {
    this.#details = details;
    this.#options = options;
    this.#timer = setInterval(() => this.#beat(), EVERY_MS);
  }

  /** Sends new details, or the last ones again. They must be plain JSON. */
  report(details?: Json): void {
    this.#details = details ?? this.#details;
    this.#activity.heartbeat(this.#details);
  }

  /** Whether the event loop stood still for so long that the server may have given the attempt to another worker. */
  get wasBlocked(): boolean {
    return Math.max(this.#longestMs, performance.now() - this.#lastAt) >= BLOCKED_MS;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    const silentMs = now - this.#lastAt;
    this.#lastAt = now;
    this.#longestMs = Math.max(this.#longestMs, silentMs);
    this.#activity.heartbeat(this.#details);
    if (silentMs >= BLOCKED_MS) this.#options.blocked?.(silentMs);
  }
}
