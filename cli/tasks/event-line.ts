import type { TaskEvent } from '../../client.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { formatTime, plain, shorten } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

const TYPE_WIDTH = 'trace.completed'.length;
const NODE_WIDTH = 22;

/** One event for people: when, what, at which node, and what is said of it. */
export function formatEvent({ at, type, path, data }: TaskEvent, colors: Colors): string {
  const padded = type.padEnd(TYPE_WIDTH);
  const facts = factsOf(data).map(([name, value]) => `${name} ${textOf(value)}`);
  const columns = [colors.dim(formatTime(at)), paint(padded, colors), plain(path ?? '').padEnd(NODE_WIDTH)];
  return `${columns.join('  ')}  ${shorten(facts.join(', '), 100)}`.trimEnd();
}

/** What says something: a first attempt without a crash is what one expects. */
function factsOf(data: Json): [string, Json][] {
  if (!isJsonObject(data)) return [];
  return Object.entries(data).filter(
    ([name, value]) => !(name === 'attempt' && value === 1) && !(name === 'crashes' && value === 0),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function paint(type: string, colors: Colors): string {
  if (/completed/.test(type)) return colors.green(type);
  if (/failed/.test(type)) return colors.red(type);
  return /retried|paused|cancelled/.test(type) ? colors.yellow(type) : type;
}

/** One event for programs. */
export function eventData({ seq, type, node, path, traceId, at, data }: TaskEvent) {
  return { seq, type, nodeId: node, path, traceId, at, data };
}
