import type { TaskEvent } from '../../client.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import { formatDuration, formatTime, plain, shorten } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/** What the end of a node is called on the way. Other events say nothing that somebody who waits has to know. */
const WORDS: Partial<Record<TraceEventType, string>> = {
  'run.completed': 'done',
  'run.retried': 'retry',
  'run.failed': 'failed',
  'run.skipped': 'skipped',
  'trace.paused': 'paused',
  'trace.resumed': 'resumed',
};

/** Turns a task's events into one line for each node that has ended. Fed with the events in their order. */
export class NodeProgress {
  readonly #colors: Colors;
  readonly #startedAt = new Map<string, Date>();

  constructor(colors: Colors) {
    this.#colors = colors;
  }

  /** The line for an event; null for an event that has none. */
  line(event: TaskEvent): string | null {
    const { type, at } = event;
    const node = event.path ?? '';
    if (type === 'run.started') this.#startedAt.set(node, at);
    const word = WORDS[type];
    if (word === undefined) return null;
    const time = this.#colors.dim(formatTime(at).slice(0, 8));
    return `  ${time}  ${this.#paint(word)}  ${plain(node).padEnd(24)}${this.#detail(event)}`.trimEnd();
  }

  #paint(word: string): string {
    const padded = word.padEnd(7);
    if (word === 'done') return this.#colors.green(padded);
    return word === 'failed' ? this.#colors.red(padded) : this.#colors.dim(padded);
  }

  #detail({ type, path, at, data }: TaskEvent): string {
    const startedAt = this.#startedAt.get(path ?? '');
    if (type === 'run.completed' && startedAt !== undefined) {
      return formatDuration(at.getTime() - startedAt.getTime());
    }
    const { reason, message, code } = isJsonObject(data) ? data : {};
    return shorten(String(reason ?? message ?? code ?? ''), 100);
  }
}
