import { parsePath, type RunPath } from '../traces/path.ts';
import { formatPosition, parsePosition, type TextPosition } from './text-position.ts';

/** What a reader of a task's events has seen: the last event of the trace, and the texts that are still being said. */
export interface EventCursor {
  readonly seq: number;
  /** By the path of the run. */
  readonly open: ReadonlyMap<RunPath, TextPosition>;
}

/** As text: `7` where no text is open, else `7+draft#2.1@340.0`. */
export function formatCursor({ seq, open }: EventCursor): string {
  return [String(seq), ...[...open].map(([path, position]) => `${path}#${formatPosition(position)}`)].join('+');
}

const SEQ = /^\d{1,15}$/;

/** Null for a text that is not a cursor. */
export function parseCursor(text: string): EventCursor | null {
  const [seq = '', ...texts] = text.split('+');
  const open = texts.map(parseText);
  if (!SEQ.test(seq) || !open.every((one) => one !== null)) return null;
  return { seq: Number(seq), open: new Map(open) };
}

function parseText(text: string): [RunPath, TextPosition] | null {
  const [path = '', given = ''] = text.split('#');
  const position = parsePosition(given);
  return position === null || parsePath(path) === null ? null : [path, position];
}
