import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { WriteRefused } from '../../database/database-errors.ts';
import type { Database } from '../../database/transaction.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { eachOrHalves } from '../each-or-halves.ts';
import { endTasks } from './end-tasks.ts';
import type { NewTraceEvent, NotedEnd, RunLeft, StandingEnd } from './notes.ts';
import { type RecordLog, withTrace } from './recording.ts';
import { type ReplacedRuns, replaceRuns } from './replace-runs.ts';
import { storedEnd, storeValue } from './store-value.ts';
import { appendStretches } from './write-events.ts';

/** A run as a stretch leaves it, and its output, which is yet to be stored; absent where there is none. */
export interface NotedRun {
  readonly run: RunLeft;
  readonly output?: Json;
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
  const tenants = [...Map.groupBy(notes, ({ execution }) => execution.tenant)];
  const recorded = await Promise.all(tenants.map(([tenant, own]) => recordTogether(options, tenant, own)));
  const outcomes = new Map(recorded.flat());
  return notes.map((note) => outcomes.get(note) ?? { kind: 'stale' });
}

type Outcomes = readonly (readonly [WaveNote, NoteOutcome])[];

async function recordTogether(options: WaveOptions, tenant: string, notes: readonly WaveNote[]): Promise<Outcomes> {
  const { done, refused } = await eachOrHalves(
    notes,
    (some) => recordAtOnce(options, tenant, some),
    (error) => {
      if (error instanceof WriteRefused) return error;
      throw error;
    },
  );
  return [...done, ...refused.map(({ item, refusal }) => [item, { kind: 'failed', error: refusal }] as const)];
}

async function recordAtOnce(options: WaveOptions, tenant: string, notes: readonly WaveNote[]): Promise<Outcomes> {
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
    if (refused.size === 0) throw error;
    const others = notes.filter((note) => !refused.has(note));
    return [...refused, ...(await recordTogether(options, tenant, others))];
  }
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
  const ends: RunLeft[] = [];
  for (const { run, output } of runs) {
    const name = `${run.nodeId}/output.json`;
    ends.push(output === undefined ? run : { ...run, output: await storeValue(em, execution, name, output) });
  }
  return { execution, ends };
}
