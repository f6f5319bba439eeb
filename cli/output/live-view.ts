import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage, isStoreOutage } from '../../domain/errors.ts';
import { untilInterrupted } from '../session.ts';
import type { Colors, Output } from './output.ts';

/** Something that is read repeatedly and shown whenever it has changed. */
export interface LiveView<Data> {
  readonly read: () => Promise<Data>;
  /** All of it, for a terminal. */
  readonly text: (data: Data, colors: Colors) => string;
  /** One line, for a log. */
  readonly line: (data: Data, colors: Colors) => string;
  /** The facts whose change counts, for programs and logs: no ages, which change all the time. */
  readonly facts: (data: Data) => unknown;
  /** The value that `--json` prints. */
  readonly data: (data: Data) => unknown;
}

/** Shows a view once, or with `watch` until Ctrl-C. */
export async function showView<Data>(output: Output, view: LiveView<Data>, watch = false): Promise<void> {
  if (watch) return watchView(output, view);
  const data = await view.read();
  output.result(view.data(data), (colors) => view.text(data, colors));
}

/** Often enough for a person who watches, and cheap. */
const EVERY_MS = 1_000;

/**
 * Shows a view until Ctrl-C: redrawn in place on a terminal, otherwise one line for each change. While a store is
 * unavailable it says so once and continues when the store is back.
 */
export async function watchView<Data>(
  output: Output,
  view: LiveView<Data>,
  { everyMs = EVERY_MS }: { everyMs?: number } = {},
): Promise<void> {
  const stop = new AbortController();
  await untilInterrupted(follow(output, view, { everyMs, signal: stop.signal }), () => undefined).finally(() =>
    stop.abort(),
  );
}

async function follow<Data>(
  output: Output,
  view: LiveView<Data>,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): Promise<void> {
  const printer = new ChangePrinter(output, view);
  let isDown = false;
  while (!signal.aborted) {
    try {
      const data = await view.read();
      if (signal.aborted) return;
      isDown = false;
      printer.show(data);
    } catch (error) {
      if (!isStoreOutage(error)) throw error;
      if (!isDown) output.progress(`${errorMessage(error)} Still watching.`);
      isDown = true;
    }
    await pause(everyMs, undefined, { signal });
  }
}

class ChangePrinter<Data> {
  readonly #output: Output;
  readonly #view: LiveView<Data>;
  #last: string | null = null;

  constructor(output: Output, view: LiveView<Data>) {
    this.#output = output;
    this.#view = view;
  }

  show(data: Data): void {
    if (this.#output.isScreen) {
      this.#output.redraw(this.#view.text(data, this.#output.colors));
      return;
    }
    const facts = JSON.stringify(this.#view.facts(data));
    if (facts === this.#last) return;
    this.#last = facts;
    this.#output.result(this.#view.data(data), (colors) => this.#view.line(data, colors));
  }
}
