import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { text, textLike, yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { requireTask } from '../tasks/read.ts';
import { type Exported, HEAD_PARTS, type Part, TRACE_PARTS } from './export-parts.ts';
import { TraceNotEnded } from './trace-errors.ts';
import { chained, type LineChain, NO_LINES } from './trace-file.ts';

export interface ExportInput {
  readonly id: string;
  /** Whether inputs, outputs, and what models and tools said are written too. @defaultValue true */
  readonly contents?: boolean;
  /** The `next` of the page before. @defaultValue the first page */
  readonly after?: string;
}

/** Some lines of a task's file; the file is the lines of all pages. */
export interface ExportPage {
  readonly lines: readonly string[];
  /** Where the next page begins; null behind the last. */
  readonly next: string | null;
}

/** Where a page begins: which trace (0 for what is before them all), which of its parts, and how many rows are behind it. */
interface Place {
  readonly trace: number;
  readonly part: number;
  readonly offset: number;
  readonly chain: LineChain;
}

const FIRST: Place = { trace: 0, part: 0, offset: 0, chain: NO_LINES };

/** Keys, tokens, users and processes are in none of the columns that are written. A task that has ended does not change. */
export const exportTask = defineOperation({
  name: 'tasks.export',
  summary: 'Writes an ended task, with its graph and its traces, as lines of a file, a page at a time.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'tenant',
  input: {
    id: text(),
    contents: yesOrNo.optional(),
    after: textLike('the `next` of the page before', (after) => parsePlace(after) !== null).optional(),
  },
  async handle({ em, caller }, { id, contents = true, after }: ExportInput): Promise<ExportPage> {
    const task = await requireTask(em, caller.tenant, id);
    const traces = await new TraceRepository(em).list(task.id);
    const running = traces.find(({ status }) => status === 'running');
    if (task.completedAt === null || traces.length === 0 || running !== undefined) {
      throw new TraceNotEnded(task.id, running?.number ?? Math.max(1, task.traceCount));
    }
    return readPage(em, { task, traces, contents }, parsePlace(after ?? '') ?? FIRST);
  },
});

async function readPage(em: SqlEntityManager, exported: Exported, place: Place): Promise<ExportPage> {
  const part = partAt(place);
  const trace = exported.traces[place.trace - 1] ?? null;
  const page = { offset: place.offset, size: part?.size ?? 0 };
  const rows = part === undefined ? [] : await part.read(em, { ...exported, trace }, page);
  const lines = rows.map((row) => JSON.stringify(row));
  const chain = lines.reduce(chained, place.chain);
  const isFull = part !== undefined && rows.filter(({ is }) => is === part.of).length === part.size;
  const next = isFull ? { ...place, offset: place.offset + part.size, chain } : after({ ...place, chain });
  if (next.trace <= exported.traces.length) return { lines, next: formatPlace(next) };
  return { lines: [...lines, JSON.stringify({ is: 'end', ...chain })], next: null };
}

function partAt({ trace, part }: Place): Part | undefined {
  return (trace === 0 ? HEAD_PARTS : TRACE_PARTS)[part];
}

function after(place: Place): Place {
  const next = { ...place, part: place.part + 1, offset: 0 };
  return partAt(next) === undefined ? { ...next, trace: place.trace + 1, part: 0 } : next;
}

const PLACE = /^(\d{1,5})\.(\d)\.(\d{1,9})\.(\d{1,9})\.([0-9a-f]{64})$/;

function parsePlace(given: string): Place | null {
  const [, trace, part, offset, lines, digest = ''] = PLACE.exec(given) ?? [];
  if (trace === undefined) return null;
  return { trace: Number(trace), part: Number(part), offset: Number(offset), chain: { lines: Number(lines), digest } };
}

function formatPlace({ trace, part, offset, chain }: Place): string {
  return `${trace}.${part}.${offset}.${chain.lines}.${chain.digest}`;
}
