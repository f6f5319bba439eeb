import type { AgentStatus } from '../../domain/agents/agent-status.ts';
import type { AgentHealth } from '../../domain/agents/health.ts';
import type { MessageStatus } from '../../domain/messaging/message-status.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunStatus } from '../../domain/traces/trace-status.ts';
import type { Colors } from './output.ts';

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** The text of the cell for a row. */
  readonly of: (row: Row) => string;
  /** @defaultValue 'left' */
  readonly align?: 'left' | 'right';
  /** Colours a cell after it was padded to the width of its column. */
  readonly paint?: (text: string) => string;
}

const GAP = '  ';

/** Rows under their titles, each column as wide as its widest cell. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  colors: Pick<Colors, 'dim'>,
): string {
  const shown = columns.map(({ title, of, align, paint = (text: string) => text }) => {
    const cells = rows.map((row) => plain(of(row)));
    const width = Math.max(title.length, ...cells.map(lengthOf));
    const pad = (text: string) => {
      const space = ' '.repeat(Math.max(0, width - lengthOf(text)));
      return align === 'right' ? space + text : text + space;
    };
    return [colors.dim(pad(title)), ...cells.map((cell) => paint(pad(cell)))];
  });
  const lines = Array.from({ length: rows.length + 1 }, (_, line) => shown.map((cells) => cells[line]).join(GAP));
  return lines.map((line) => line.trimEnd()).join('\n');
}

function lengthOf(text: string): number {
  return [...text].length;
}

/** Untrusted text on one line: control characters, which could control the terminal, become spaces. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
}

/** Untrusted text with its lines, without characters that could control the terminal. */
export function plainLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/[^\P{Cc}\t]/gu, ' ').trimEnd())
    .join('\n');
}

/** The same for a piece of a text that comes piece by piece: nothing is trimmed. */
export function plainPiece(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, ' ');
}

/** At most `width` characters, ending in an ellipsis if something was cut. */
export function shorten(text: string, width: number): string {
  const characters = [...plain(text)];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}

/** A duration in its two largest units. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

/** How long something took, or has taken so far; empty before it began. */
export function formatSpan(from: Date | null, to: Date | null, now = new Date()): string {
  if (from === null) return '';
  const span = formatDuration(Math.max(0, (to ?? now).getTime() - from.getTime()));
  return to === null ? `${span} so far` : span;
}

/** A moment relative to now. */
export function formatAge(at: Date | null, now = new Date()): string {
  return at === null ? 'never' : `${formatDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
}

/** The local time of day, to the millisecond. */
export function formatTime(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** The local date and time, to the second. */
export function formatDateTime(at: Date | null): string {
  if (at === null) return '';
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${formatTime(at).slice(0, 8)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

type Status = TaskStatus | RunStatus | AgentStatus | AgentHealth | MessageStatus;
const GOOD: readonly string[] = ['completed', 'ok', 'active', 'busy', 'idle', 'alive', 'processed'] satisfies Status[];
const BAD: readonly string[] = ['failed', 'fatal_error', 'retryable_error', 'offline', 'dead'] satisfies Status[];
const OVER: readonly string[] = ['cancelled', 'skipped', 'inactive', 'unavailable'] satisfies Status[];

/** Colours a status, padded or not: green is well, red is not, yellow is under way. */
export function paintStatus(text: string, colors: Colors): string {
  const status = text.trim();
  if (GOOD.includes(status)) return colors.green(text);
  if (BAD.includes(status)) return colors.red(text);
  return OVER.includes(status) ? colors.dim(text) : colors.yellow(text);
}

const SHORT_OUTPUT_LINES = 24;

/** A task's output for people: text as it is, anything else as indented JSON, cut to what fits. */
export function formatOutput(output: unknown, hint: string): string {
  const text = typeof output === 'string' ? output : (JSON.stringify(output, null, 2) ?? '');
  const lines = plainLines(text)
    .split('\n')
    .map((line) => shortenLine(line));
  if (lines.length <= SHORT_OUTPUT_LINES) return lines.join('\n');
  return [...lines.slice(0, SHORT_OUTPUT_LINES), `… ${lines.length - SHORT_OUTPUT_LINES} more lines; ${hint}`].join(
    '\n',
  );
}

function shortenLine(line: string): string {
  return line.length <= 160 ? line : `${line.slice(0, 159)}…`;
}
