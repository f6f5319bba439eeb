import colors from 'picocolors';
import type { FailureReport } from '../cli-errors.ts';

/** Where text goes; `process.stdout` and `process.stderr` fit. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Lines that a terminal shows. */
  readonly rows?: number;
}

export type Colors = Pick<typeof colors, 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'>;

/** Text is coloured if its stream is a terminal that wants colours. */
export function colorsFor(sink: Sink): Colors {
  return colors.createColors(colors.isColorSupported && sink.isTTY === true);
}

/** Moves to the upper left corner and clears the screen. */
const CLEAR_SCREEN = '\u001b[H\u001b[2J';

export interface OutputOptions {
  /** Data instead of text on standard output. @defaultValue false */
  readonly json?: boolean;
  /** @defaultValue the process's own */
  readonly stdout?: Sink;
  /** @defaultValue the process's own */
  readonly stderr?: Sink;
}

/**
 * What one command prints. Standard output carries the result and nothing else: text for people, or with `--json` one
 * JSON value a line. Progress and errors go to standard error; with `--json` an error is its last line, as JSON.
 */
export class Output {
  readonly json: boolean;
  readonly colors: Colors;
  readonly progressColors: Colors;
  /** True when a person sees the progress as it happens. */
  readonly isWatched: boolean;
  /** True when the result is text on a terminal, which can be redrawn in place. */
  readonly isScreen: boolean;
  readonly #stdout: Sink;
  readonly #stderr: Sink;

  constructor(options: OutputOptions = {}) {
    this.json = options.json ?? false;
    this.#stdout = options.stdout ?? process.stdout;
    this.#stderr = options.stderr ?? process.stderr;
    this.colors = colorsFor(this.#stdout);
    this.progressColors = colorsFor(this.#stderr);
    this.isWatched = this.#stderr.isTTY === true;
    this.isScreen = !this.json && this.#stdout.isTTY === true;
  }

  /** Prints the result as text or JSON. The text is made only when it is needed. */
  result(data: unknown, text: (colors: Colors) => string): void {
    this.#stdout.write(`${this.json ? JSON.stringify(data) : text(this.colors)}\n`);
  }

  text(text: string): void {
    if (!this.json) this.#stdout.write(`${text}\n`);
  }

  /** Continues the line. Only where {@link Output.isScreen}. */
  piece(text: string): void {
    this.#stdout.write(text);
  }

  /** Replaces the content of the terminal, cut off at its last line. Only where {@link Output.isScreen}. */
  redraw(text: string): void {
    const lines = text.split('\n');
    const rows = Math.max(2, this.#stdout.rows ?? lines.length + 1) - 1;
    this.#stdout.write(`${CLEAR_SCREEN}${lines.slice(0, rows).join('\n')}\n`);
  }

  /** Reports progress on standard error. */
  progress(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Reports on standard error why the command failed. */
  failure({ code, message }: FailureReport): void {
    const text = `${this.progressColors.red('muster:')} ${message}`;
    this.#stderr.write(`${this.json ? JSON.stringify({ error: { code, message } }) : text}\n`);
  }
}
