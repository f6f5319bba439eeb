import type { TraceId } from '../domain/ids.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { type EventCursor, formatCursor } from '../domain/thinking/event-cursor.ts';
import { beginningOf, charactersIn, formatPosition, type TextPosition } from '../domain/thinking/text-position.ts';
import { isTerminalTraceEvent, type TraceEventType } from '../domain/traces/events.ts';
import { nodeOfPath, type RunPath } from '../domain/traces/path.ts';
import type { TraceEventRecord } from '../entities/traces/trace-repository.ts';
import { followText } from '../operations/thinking/follow.ts';
import { readText } from '../operations/thinking/text.ts';
import type { TextPiece } from '../redis/text-entries.ts';
import type { Face } from './face.ts';

/**
 * What becomes of the text of a model call. `text.added`: it has said more. `tool.asked`: it begins to call a tool.
 * `text.restarted`: the answer begins anew, and what came before does not count. `text.missed`: some of it cannot be shown
 * while it is said; all that is missing comes with the end. Exactly one of `text.completed` and `text.failed` is the last.
 */
export type TextChange =
  | { readonly type: 'text.added'; readonly text: string }
  | { readonly type: 'tool.asked'; readonly tool: string }
  | { readonly type: 'text.restarted' | 'text.missed' | 'text.completed' | 'text.failed' };

/** A piece of what a model says. */
export type TextEvent = TextChange & {
  /** Pass it as `after` to continue behind this event. */
  readonly cursor: string;
  readonly traceId: string;
  readonly node: string;
  readonly path: RunPath;
  /** Which model call of the run, from 1. */
  readonly step: number;
  /** Grows where the answer begins anew. */
  readonly attempt: number;
};

/** What is known of a run's text. Between two calls it is at the beginning of the next one. */
interface OpenText {
  readonly at: TextPosition;
  /** Whether some was missed: then the rest comes with the end. */
  readonly hasGap: boolean;
}

/** Whose text it is. */
interface Run {
  readonly traceId: TraceId;
  readonly path: RunPath;
}

/** Ends of a run. A call without an answer has none any more. */
const RUN_ENDS: readonly TraceEventType[] = ['run.completed', 'run.failed', 'run.skipped'];

/**
 * The texts of one trace: while they are said they come from Redis, and once a call is answered the rest comes from
 * PostgreSQL. The texts that are added for a call since its last restart are together its answer.
 */
export class TaskTexts {
  readonly #face: Face;
  readonly #open: Map<RunPath, OpenText>;
  #seq: number;

  constructor(face: Face, { seq, open }: EventCursor) {
    this.#face = face;
    this.#seq = seq;
    this.#open = new Map([...open].map(([path, at]) => [path, { at, hasGap: false }]));
  }

  get cursor(): string {
    return formatCursor({ seq: this.#seq, open: new Map([...this.#open].map(([path, { at }]) => [path, at])) });
  }

  /** Notes an event of the trace as seen. */
  passed(seq: number): void {
    this.#seq = seq;
  }

  /** Takes the calls that have no answer yet. */
  found(calls: readonly { readonly path: RunPath; readonly step: number }[]): void {
    for (const { path, step } of calls) if (!this.#open.has(path)) this.#note(path, beginningOf(step));
  }

  /** What has been said meanwhile. */
  async *said(traceId: TraceId): AsyncGenerator<TextEvent> {
    for (const path of [...this.#open.keys()]) yield* this.#saidIn({ traceId, path });
  }

  /** What is still to be told before an event of the trace: the call that it answers, or ends, is told to its end. */
  async *before({ type, nodeId: path, data }: TraceEventRecord, traceId: TraceId): AsyncGenerator<TextEvent> {
    if (isTerminalTraceEvent(type)) yield* this.closed(traceId);
    if (path === null) return;
    if (type === 'model.answered' && isJsonObject(data)) yield* this.#answered({ traceId, path }, data);
    if (RUN_ENDS.includes(type)) yield* this.#closed({ traceId, path });
  }

  /** Ends every text that is open: nothing more will come. */
  async *closed(traceId: TraceId): AsyncGenerator<TextEvent> {
    for (const path of [...this.#open.keys()]) yield* this.#closed({ traceId, path });
  }

  async *#saidIn(run: Run): AsyncGenerator<TextEvent> {
    for (let open = this.#open.get(run.path); open !== undefined && !open.hasGap; open = this.#open.get(run.path)) {
      const page = await this.#face.call(followText, { ...run, after: formatPosition(open.at) });
      for (const piece of page.pieces) {
        yield* this.#heard(run, piece);
        if (this.#open.get(run.path)?.hasGap === true) return;
      }
      if (!page.isFull) return;
    }
  }

  *#heard(run: Run, { at, text, tool }: TextPiece): Generator<TextEvent> {
    const before = this.#open.get(run.path)?.at ?? beginningOf(at.step);
    const isSame = before.attempt === at.attempt;
    if (!isSame && before.attempt > 0) yield this.#restarted(run, at);
    const from = isSame ? before : { ...at, characters: 0, calls: 0 };
    if (at.characters - charactersIn(text) > from.characters) {
      this.#note(run.path, from, true);
      yield this.#event(run, at, { type: 'text.missed' });
      return;
    }
    this.#note(run.path, at);
    yield this.#event(run, at, tool === null ? { type: 'text.added', text } : { type: 'tool.asked', tool });
  }

  async *#answered(run: Run, data: JsonObject): AsyncGenerator<TextEvent> {
    const step = Number(data.step);
    const known = this.#open.get(run.path)?.at ?? beginningOf(step);
    if (known.step > step) return;
    const attempt = typeof data.attempt === 'number' ? data.attempt : Math.max(1, known.attempt);
    const begun = { step, attempt, characters: 0, calls: 0 };
    if (known.attempt !== attempt) {
      if (known.attempt > 0) yield this.#restarted(run, begun);
      else this.#note(run.path, begun);
    }
    yield* this.#rest(run, known.attempt === attempt ? known : begun);
    yield this.#ended(run, begun, 'text.completed');
  }

  /** What of a stored answer has not been told yet. */
  async *#rest(run: Run, told: TextPosition): AsyncGenerator<TextEvent> {
    for (let at = told; ; ) {
      const part = await this.#face.call(readText, { ...run, step: at.step, from: at.characters });
      if (part === null) return;
      at = { ...at, characters: at.characters + charactersIn(part.text) };
      this.#note(run.path, at);
      if (part.text !== '') yield this.#event(run, at, { type: 'text.added', text: part.text });
      if (at.characters >= part.characters) return;
    }
  }

  *#closed(run: Run): Generator<TextEvent> {
    const at = this.#open.get(run.path)?.at;
    if (at !== undefined && at.attempt > 0) yield this.#ended(run, at, 'text.failed');
    this.#open.delete(run.path);
  }

  #ended(run: Run, at: TextPosition, type: 'text.completed' | 'text.failed'): TextEvent {
    this.#note(run.path, beginningOf(at.step + 1));
    return this.#event(run, at, { type });
  }

  #restarted(run: Run, { step, attempt }: TextPosition): TextEvent {
    this.#note(run.path, { step, attempt, characters: 0, calls: 0 });
    return this.#event(run, { step, attempt }, { type: 'text.restarted' });
  }

  #note(path: RunPath, at: TextPosition, hasGap = false): void {
    this.#open.set(path, { at, hasGap });
  }

  #event(
    { traceId, path }: Run,
    { step, attempt }: Pick<TextPosition, 'step' | 'attempt'>,
    change: TextChange,
  ): TextEvent {
    return { ...change, cursor: this.cursor, traceId, node: nodeOfPath(path), path, step, attempt };
  }
}
