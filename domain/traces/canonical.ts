import type { Outcome } from '../graphs/kinds.ts';
import { canonicalJson, formatPointer, isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Failure } from '../tasks/execution.ts';
import type { TraceEventType } from './events.ts';
import { parentOfPath, type RunPath } from './path.ts';
import type { SettledRunStatus, TraceStatus } from './trace-status.ts';

/** How one run of a trace ended. */
export interface RecordedRun {
  readonly path: RunPath;
  readonly kind: string;
  /** Its agent or tool; the node's id where it calls neither. */
  readonly performer: string;
  readonly status: SettledRunStatus;
  readonly outcome: Outcome | null;
  /** Null where it has none. */
  readonly output: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** How a trace ended. */
export interface RecordedEnd {
  readonly status: Exclude<TraceStatus, 'running'>;
  /** The task's output; null where it has none. */
  readonly output: Json;
  readonly error: Failure | null;
}

/** What a trace has recorded, as far as its graph decides by it. */
export interface RecordedTrace {
  /** The task's input. */
  readonly task: Json;
  /** The runs that have ended, in the order of their ends. */
  readonly runs: readonly RecordedRun[];
  /** Null while the trace runs. */
  readonly end: RecordedEnd | null;
}

/** One event of a trace, without its time. */
export interface RecordedEvent {
  readonly type: TraceEventType;
  /** Null for an event of the trace itself. */
  readonly path: RunPath | null;
  /** The step of a model's answer; null for any other event. */
  readonly step: number | null;
}

/** All that a trace's canonical form is made of. */
export interface CanonicalSource extends RecordedTrace {
  /** The hash of the graph's definition. */
  readonly graph: string;
  readonly events: readonly RecordedEvent[];
}

/** The number of the form, which grows when the same trace gets another text. */
const FORM = 1;

/**
 * A trace without what differs between two executions of the same decisions: no times, ids, attempts or processes, and no
 * order between runs that ran side by side. Skipped runs of inner graphs are left out, because whether they have a row
 * depends on who skipped them; so is what only happened to attempts: retries, pauses, artifacts, calls of tools.
 */
export function canonicalTrace({ graph, task, runs, end, events }: CanonicalSource): JsonObject {
  const eventsOf = Map.groupBy(events.filter(isCanonical), ({ path }) => path);
  const shown = runs.filter(({ path, status }) => status !== 'skipped' || parentOfPath(path) === null);
  return {
    form: FORM,
    graph,
    task,
    runs: Object.fromEntries(shown.map((run) => [run.path, canonicalRun(run, eventsOf.get(run.path) ?? [])])),
    end: end && {
      status: end.status,
      output: end.output,
      error: end.error?.code ?? null,
      node: end.error?.node ?? null,
      events: (eventsOf.get(null) ?? []).map(({ type }) => type),
    },
  };
}

/** The one text of a trace's canonical form: two traces came to the same exactly if it is the same, byte for byte. */
export function canonicalText(source: CanonicalSource): string {
  return canonicalJson(canonicalTrace(source));
}

/** The events that follow from how the runs and the trace ended. @param answered the steps with an answer, by run */
export function eventsOfEnds(
  { runs, end }: Pick<RecordedTrace, 'runs' | 'end'>,
  answered: ReadonlyMap<RunPath, readonly number[]>,
): readonly RecordedEvent[] {
  const own = (type: TraceEventType, path: RunPath | null): RecordedEvent => ({ type, path, step: null });
  const ofRuns = runs.flatMap(({ path, status }) => {
    if (status === 'skipped') return [own('run.skipped', path)];
    const answers = (answered.get(path) ?? []).map((step) => ({ type: 'model.answered' as const, path, step }));
    return [own('run.started', path), ...answers, own(status === 'ok' ? 'run.completed' : 'run.failed', path)];
  });
  const last = end === null ? [] : [own(`trace.${end.status}`, null)];
  return [own('trace.started', null), ...ofRuns, ...last];
}

/** Where two values differ first: a JSON Pointer, and what stands there; undefined where nothing does. */
export interface Difference {
  readonly pointer: string;
  readonly recorded: Json | undefined;
  readonly derived: Json | undefined;
}

/** The first place, in the order of the keys, at which two values differ; null for equal ones. */
export function firstDifference(recorded?: Json, derived?: Json, pointer = ''): Difference | null {
  if (recorded === derived) return null;
  if (!isBranch(recorded) || !isBranch(derived) || Array.isArray(recorded) !== Array.isArray(derived)) {
    return { pointer, recorded, derived };
  }
  const [one, other] = [recorded, derived].map((value) => new Map(Object.entries(value)));
  const keys = [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])];
  // The keys of a list are in order already, and "10" sorts before "9".
  for (const key of Array.isArray(recorded) ? keys : keys.sort()) {
    const found = firstDifference(one?.get(key), other?.get(key), `${pointer}${formatPointer([key])}`);
    if (found !== null) return found;
  }
  return null;
}

function isBranch(value: Json | undefined): value is JsonObject | readonly Json[] {
  return Array.isArray(value) || isJsonObject(value);
}

const CANONICAL: readonly TraceEventType[] = [
  'trace.started',
  'trace.completed',
  'trace.failed',
  'trace.cancelled',
  'run.started',
  'run.completed',
  'run.failed',
  'run.skipped',
  'model.answered',
];

function isCanonical({ type }: RecordedEvent): boolean {
  return CANONICAL.includes(type);
}

/** A run that was cut off has no canonical answers: one that came too late has no event. */
function canonicalRun({ error, ...run }: RecordedRun, events: readonly RecordedEvent[]): JsonObject {
  const shown = events.filter(({ type }) => type !== 'model.answered' || error?.code !== 'handler_cancelled');
  const { kind, performer, status, outcome, output } = run;
  return {
    ...{ kind, performer, status, outcome, output },
    error: error?.code ?? null,
    events: shown.map(({ type, step }) => (step === null ? type : `${type} ${step}`)),
  };
}
