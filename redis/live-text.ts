import type { ExecutionRef } from '../domain/tasks/execution.ts';
import { attemptNumber, charactersIn, inPieces, type TextPosition } from '../domain/thinking/text-position.ts';
import type { RunPath } from '../domain/traces/path.ts';
import type { RedisConnections } from './open-redis.ts';
import { entryId, type TextPiece } from './text-entries.ts';

/** A model call whose text is shown. */
export interface LiveCall {
  readonly execution: Pick<ExecutionRef, 'tenant' | 'taskId' | 'traceId'>;
  readonly path: RunPath;
  readonly step: number;
  /** How often it was announced, this time included. */
  readonly times: number;
}

/** Between two messages to Redis: soon enough for an eye, and few whatever the speed of the model. */
const EVERY_MS = 50;
const AFTER_OUTAGE_MS = 500;
const MOST_UNITS_OF_ENTRY = 16_384;
const ENTRIES_AT_ONCE = 16;
/** Entries that wait while Redis is slow or unavailable, about a million characters; then all of them are dropped. */
const MOST_WAITING = 64;
/** Of the call that is being made; a reader that is further behind waits for the whole. */
const KEPT_CHARACTERS = 1_000_000;
/** Longer than a model may be silent. */
const KEPT_MS = 600_000;
/** For readers that have not heard yet that the answer is stored. */
const KEPT_AFTER_END_MS = 60_000;

type Entry = { -readonly [Field in keyof TextPiece]: TextPiece[Field] };

/**
 * Shows one model call to those who watch. Nothing here waits for Redis or fails with it: what cannot be sent waits, up to
 * a bound, and is dropped then. Readers see from the places of what follows that something is missing.
 */
export class LiveText {
  readonly #redis: RedisConnections;
  readonly #call: LiveCall;
  readonly #key: string;
  #at: TextPosition;
  #waiting: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isSending = false;
  #isKnown = false;
  #isOver = false;
  #nextAtMs = 0;

  constructor(redis: RedisConnections, call: LiveCall) {
    this.#redis = redis;
    this.#call = call;
    const { tenant, traceId } = call.execution;
    this.#key = redis.keys.liveText(tenant, traceId, call.path);
    this.#at = { step: call.step, attempt: attemptNumber(call.times, 0), characters: 0, calls: 0 };
  }

  /** Takes a piece of well-formed text. @param start grows where the answer begins anew at another provider */
  text(delta: string, start: number): void {
    if (this.#isOver) return;
    this.#restart(start);
    for (const text of inPieces(delta, MOST_UNITS_OF_ENTRY)) {
      this.#at = { ...this.#at, characters: this.#at.characters + charactersIn(text) };
      const last = this.#waiting.at(-1);
      const isRoom = last?.tool === null && last.text.length + text.length <= MOST_UNITS_OF_ENTRY;
      if (isRoom) Object.assign(last, { at: this.#at, text: last.text + text });
      else this.#add({ at: this.#at, text, tool: null });
    }
    this.#sendSoon();
  }

  /** Takes the name of a tool whose call begins. */
  tool(tool: string, start: number): void {
    if (this.#isOver) return;
    this.#restart(start);
    this.#at = { ...this.#at, calls: this.#at.calls + 1 };
    this.#add({ at: this.#at, text: '', tool });
    this.#sendSoon();
  }

  /** Ends it, whatever became of the call, and has readers look at PostgreSQL. */
  end(): void {
    this.#stop();
    const { keys } = this.#redis;
    const { taskId } = this.#call.execution;
    const told = this.#redis.ask((redis) =>
      Promise.all([redis.pexpire(this.#key, KEPT_AFTER_END_MS), redis.publish(keys.taskEvents(taskId), '')]),
    );
    told.catch(() => undefined);
  }

  #restart(start: number): void {
    const attempt = attemptNumber(this.#call.times, start);
    if (attempt === this.#at.attempt) return;
    this.#at = { ...this.#at, attempt, characters: 0, calls: 0 };
    this.#waiting = [];
  }

  #add(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > MOST_WAITING) this.#waiting = [];
  }

  #sendSoon(): void {
    if (this.#isOver || this.#isSending || this.#timer !== null || this.#waiting.length === 0) return;
    const waitMs = Math.max(0, this.#nextAtMs - performance.now());
    this.#timer = setTimeout(() => void this.#send(), waitMs).unref();
  }

  async #send(): Promise<void> {
    this.#timer = null;
    this.#isSending = true;
    const entries = this.#waiting.splice(0, ENTRIES_AT_ONCE);
    this.#nextAtMs = performance.now() + EVERY_MS;
    try {
      await this.#append(entries);
    } catch {
      // It may have been carried out: the script leaves out what is there.
      this.#waiting = [...entries, ...this.#waiting].slice(0, MOST_WAITING);
      this.#nextAtMs = performance.now() + AFTER_OUTAGE_MS;
    }
    this.#isSending = false;
    this.#sendSoon();
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    const { keys } = this.#redis;
    const { taskId } = this.#call.execution;
    const last = entries.at(-1)?.at ?? this.#at;
    const from = entryId({ ...last, characters: Math.max(0, last.characters - KEPT_CHARACTERS), calls: 0 });
    const pieces = entries.flatMap(({ at, text, tool }) => [
      entryId(at),
      tool === null ? 'text' : 'tool',
      tool ?? text,
    ]);
    const outcome = await this.#redis.ask(async (redis) => {
      const appended = redis.appendText(this.#key, keys.taskTexts(taskId), KEPT_MS, from, ...pieces);
      // Those who watch the task do not know yet that a model speaks.
      const told = this.#isKnown ? null : redis.publish(keys.taskEvents(taskId), '');
      return (await Promise.all([appended, told]))[0];
    });
    this.#isKnown = true;
    if (outcome === 'superseded') this.#stop();
  }

  #stop(): void {
    this.#isOver = true;
    this.#waiting = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
