import { z } from 'zod';
import type { TaskId, TraceId } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';
import { HintedPause } from '../domain/system/loop.ts';
import { type EventCursor, parseCursor } from '../domain/thinking/event-cursor.ts';
import { isTerminalTraceEvent, type TraceEventType } from '../domain/traces/events.ts';
import { nodeOfPath, type RunPath } from '../domain/traces/path.ts';
import type { TraceEventRecord } from '../entities/traces/trace-repository.ts';
import { readEvents } from '../operations/tasks/events.ts';
import { textLike, wholeNumber, yesOrNo } from '../options/fields.ts';
import { optionsOf } from '../options/parse-options.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import type { Face } from './face.ts';
import { TaskTexts, type TextEvent } from './task-texts.ts';

/** One thing that happened in a task. */
export interface TaskEvent {
  /** Grows by one within a trace. */
  readonly seq: number;
  /** Pass it as `after` to continue behind this event, texts included. */
  readonly cursor: string;
  readonly type: TraceEventType;
  readonly traceId: string;
  /** The node that it concerns; null for the trace as a whole. */
  readonly node: string | null;
  /** The path of the run that it concerns, `each[3]/draft`; the node's id for a node of the task's own graph. */
  readonly path: RunPath | null;
  readonly data: Json;
  readonly at: Date;
}

/** Where a reader of events begins, and what it is told. */
export interface EventOptions {
  /** The `seq` or the `cursor` of the event that was seen last. @defaultValue 0, the beginning */
  readonly after?: number | string;
  /** Whether to tell what models say while they say it. @defaultValue false */
  readonly text?: boolean;
}

const CURSOR = 'the number or the cursor of an event';
const seqField = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER });
const isCursor = (text: string) => parseCursor(text) !== null;

/** Reads the options of `events`. @throws OptionInvalid */
export const eventOptions = optionsOf<EventOptions>('events', {
  after: z.union([seqField, textLike(CURSOR, isCursor)], { error: CURSOR }).optional(),
  text: yesOrNo.optional(),
});

/** How long a reader waits for a hint before it looks by itself. */
export const POLL_MS = 300;

/** Follows the events of the newest trace of a task, from after the last one that was seen until the task has ended. */
export class TaskEvents {
  readonly #face: Face;
  readonly #id: TaskId;
  readonly #texts: TaskTexts;
  readonly #hasTexts: boolean;
  #seq: number;

  constructor(face: Face, id: TaskId, { after = 0, text = false }: EventOptions) {
    const none: EventCursor = { seq: 0, open: new Map() };
    const cursor = typeof after === 'number' ? { ...none, seq: after } : (parseCursor(after) ?? none);
    this.#face = face;
    this.#id = id;
    this.#texts = new TaskTexts(face, cursor);
    this.#hasTexts = text;
    this.#seq = cursor.seq;
  }

  async *follow(wakeUps: WakeUps): AsyncGenerator<TaskEvent | TextEvent> {
    const hints = new EventHints(wakeUps, this.#id, this.#hasTexts);
    try {
      for (;;) {
        hints.looked();
        const page = await this.#face.call(readEvents, { id: this.#id, after: this.#seq, calls: this.#hasTexts });
        for (const event of page.events) {
          yield* this.#told(event, page.traceId);
          if (isTerminalTraceEvent(event.type)) return;
        }
        // A task may end without a trace, or without its trace's last event; then nothing more will come.
        if (page.events.length === 0 && page.ended) return;
        this.#texts.found(page.calls);
        if (page.traceId !== null) yield* this.#texts.said(page.traceId);
        while (page.events.length === 0 && (await hints.wait()) === 'text' && page.traceId !== null) {
          yield* this.#texts.said(page.traceId);
        }
      }
    } finally {
      hints.close();
    }
  }

  async *#told(event: TraceEventRecord, traceId: TraceId | null): AsyncGenerator<TaskEvent | TextEvent> {
    if (this.#hasTexts && traceId !== null) yield* this.#texts.before(event, traceId);
    this.#seq = event.seq;
    this.#texts.passed(event.seq);
    const { nodeId: path, ...rest } = event;
    const { cursor } = this.#texts;
    yield { ...rest, cursor, node: path && nodeOfPath(path), path, traceId: traceId ?? '' };
  }
}

/** Wakes a reader of events when there may be news, and at the latest after the poll time. */
class EventHints {
  readonly #pause = new HintedPause();
  readonly #closers: (() => void)[];
  #hasEvents = false;
  #hasText = false;
  #lookAtMs = 0;

  constructor(wakeUps: WakeUps, id: TaskId, hasTexts: boolean) {
    const onEvent = () => {
      this.#hasEvents = true;
      this.#pause.hint();
    };
    const onText = () => {
      this.#hasText = true;
      this.#pause.hint();
    };
    this.#closers = [wakeUps.onTask(id, onEvent), ...(hasTexts ? [wakeUps.onText(id, onText)] : [])];
  }

  /** Notes that the events are read now. */
  looked(): void {
    this.#hasEvents = false;
    this.#lookAtMs = performance.now() + POLL_MS;
  }

  /** Waits for news. @returns `text` where only a text has some, and it is not time to look for events yet */
  async wait(): Promise<'events' | 'text'> {
    const leftMs = () => this.#lookAtMs - performance.now();
    while (!this.#hasEvents && !this.#hasText && leftMs() > 0) await this.#pause.wait(leftMs());
    const isText = this.#hasText && !this.#hasEvents && leftMs() > 0;
    this.#hasText = false;
    return isText ? 'text' : 'events';
  }

  close(): void {
    for (const close of this.#closers) close();
  }
}
