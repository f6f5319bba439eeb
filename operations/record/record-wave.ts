import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { WriteRefused } from '../../database/database-errors.ts';
import type { Database } from '../../database/transaction.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { endTasks } from './end-tasks.ts';
import type { NewTraceEvent, RunEnd, RunWait, StandingEnd, TaskEnd } from './notes.ts';
import { type RecordLog, withTrace } from './recording.ts';
import { type ReplacedRuns, replaceRuns } from './replace-runs.ts';
import { storeValue } from './store-value.ts';
import { appendStretches } from './write-events.ts';

type Unstored<Row> = Row extends unknown ? Omit<Row, 'output'> : never;

/** How a run of a stretch ended, or how it waits for its next attempt. */
export type NotedRun = Unstored<RunEnd | RunWait> & {
  /** Absent where there is none. */
  readonly output?: Json;
};

/** How a task ends. */
export interface NotedEnd {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** The output of a completed task, and the name of its artifact where it is large; null for any other end. */
  readonly output: { readonly name: string; readonly value: Json } | null;
  /** A short text that stands for the output in lists. */
  readonly reply: string;
}

/** What a stretch of quick nodes did in one execution. */
export interface WaveNote {
  readonly execution: ExecutionRef;
  readonly runs: readonly NotedRun[];
  readonly events: readonly NewTraceEvent[];
  /** Null while the task continues. */
  readonly end: NotedEnd | null;
}

/**
 * What became of a note. `stale`: the task was claimed anew, nothing may be written for this claim. `known`: one of its
 * runs had ended before, by somebody else or by this very note, whose answer was lost. `failed`: PostgreSQL refuses what is
 * to be written, and would again. Nothing of a note is written that is not `written`.
 */
export type NoteOutcome =
  | { readonly kind: 'written'; readonly end: StandingEnd | null }
  | { readonly kind: 'stale' }
  | { readonly kind: 'known' }
  | { readonly kind: 'failed'; readonly error: WriteRefused };

export interface WaveOptions {
  readonly database: Database;
  readonly log: RecordLog;
}

/**
 * Writes what stretches of many executions did, those of a tenant in one unit of work of two statements, whatever their
 * number: runs, then events and ends. Up to 200 notes, each of another execution. Tasks are locked in the order of their
 * ids, then traces in the order of theirs. A note that is refused fails alone: the others are written without it.
 *
 * Repeating it, after a crash or a lost answer, writes nothing twice: notes that were written are `known` then.
 * @returns the outcomes, in the order of the notes
 * @throws what an outage of the database is: then nobody knows which tenants' notes were written
 */
export async function recordWave(options: WaveOptions, notes: readonly WaveNote[]): Promise<readonly NoteOutcome[]> {
  const outcomes = new Map<WaveNote, NoteOutcome>();
  for (const [tenant, own] of Map.groupBy(notes, ({ execution }) => execution.tenant)) {
    for (const [note, outcome] of await recordTogether(options, tenant, own)) outcomes.set(note, outcome);
  }
  return notes.map((note) => outcomes.get(note) ?? { kind: 'stale' });
}

type Outcomes = readonly (readonly [WaveNote, NoteOutcome])[];

async function recordTogether(options: WaveOptions, tenant: string, notes: readonly WaveNote[]): Promise<Outcomes> {
  if (notes.length === 0) return [];
  const refused = new Map<WaveNote, NoteOutcome>();
  try {
    const unit = (trace: TraceParts) =>
      options.database.inTenant(tenant, ({ em }) => {
        refused.clear();
        return write({ em, trace, refused }, notes);
      });
    // The trace of one may be refused: the others keep theirs.
    return await (notes.length === 1 ? withTrace(options.log, unit) : unit(TRACE));
  } catch (error) {
    if (refused.size > 0) {
      const others = notes.filter((note) => !refused.has(note));
      return [...refused, ...(await recordTogether(options, tenant, others))];
    }
    if (!(error instanceof WriteRefused)) throw error;
    const [only] = notes;
    if (notes.length === 1 && only !== undefined) return [[only, { kind: 'failed', error }]];
  }
  // One of them is at fault: it is found in as many steps as they can be halved, and all others are written.
  const middle = Math.ceil(notes.length / 2);
  const before = await recordTogether(options, tenant, notes.slice(0, middle));
  return [...before, ...(await recordTogether(options, tenant, notes.slice(middle)))];
}

interface WaveUnit {
  readonly em: SqlEntityManager;
  readonly trace: TraceParts;
  /** Notes for which the unit of work is rolled back. */
  readonly refused: Map<WaveNote, NoteOutcome>;
}

async function write(unit: WaveUnit, notes: readonly WaveNote[]): Promise<Outcomes> {
  const { em, trace } = unit;
  await writeRuns(unit, notes);
  const ending = notes.flatMap((note) => (note.end === null ? [] : [{ note, end: note.end }]));
  const standing = await writeEnds(unit, ending);
  const continuing = notes.filter((note) => note.end === null);
  const events = continuing.map(({ execution, events }) => ({ traceId: execution.traceId, events }));
  if (trace === TRACE) await appendStretches(em, events);
  return notes.map((note) => [note, { kind: 'written', end: standing.get(note) ?? null }]);
}

async function writeRuns(unit: WaveUnit, notes: readonly WaveNote[]): Promise<void> {
  const replaced = await Promise.all(notes.map((note) => storedRuns(unit.em, note)));
  const written = await replaceRuns(unit.em, replaced);
  for (const [index, note] of notes.entries()) {
    const own = written[index] ?? null;
    if (own === null) unit.refused.set(note, { kind: 'stale' });
    else if (own.size < note.runs.length) unit.refused.set(note, { kind: 'known' });
  }
  rollBackIfRefused(unit);
}

async function writeEnds(
  unit: WaveUnit,
  ending: readonly { readonly note: WaveNote; readonly end: NotedEnd }[],
): Promise<ReadonlyMap<WaveNote, StandingEnd>> {
  if (ending.length === 0) return new Map();
  const ended = await Promise.all(
    ending.map(async ({ note, end }) => ({ end: await storedEnd(unit.em, note.execution, end), events: note.events })),
  );
  const standing = await endTasks(unit.em, unit.trace, ended);
  const byNote = new Map<WaveNote, StandingEnd>();
  for (const [index, { note }] of ending.entries()) {
    const own = standing[index] ?? null;
    if (own === null) unit.refused.set(note, { kind: 'stale' });
    else byNote.set(note, own);
  }
  rollBackIfRefused(unit);
  return byNote;
}

/** Nothing of the unit of work may stay, since parts of refused notes are written in it: it runs again without them. */
function rollBackIfRefused({ refused }: WaveUnit): void {
  if (refused.size > 0) throw new Error('Some of the notes are refused.');
}

async function storedRuns(em: SqlEntityManager, { execution, runs }: WaveNote): Promise<ReplacedRuns> {
  const ends: (RunEnd | RunWait)[] = [];
  for (const { output: value, ...run } of runs) {
    const name = `${run.nodeId}/output.json`;
    const output = value === undefined ? NOTHING_STORED : await storeValue(em, execution, name, value);
    ends.push({ ...run, output });
  }
  return { execution, ends };
}

async function storedEnd(em: SqlEntityManager, execution: ExecutionRef, end: NotedEnd): Promise<TaskEnd> {
  const { status, failure, output, reply } = end;
  const stored = output === null ? NOTHING_STORED : await storeValue(em, execution, output.name, output.value);
  return { execution, status, failure, output: stored, reply };
}
