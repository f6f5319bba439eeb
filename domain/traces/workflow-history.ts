import type { Dependency, GraphDefinition, GraphNode } from '../graphs/definition.ts';
import { hasNode } from '../graphs/has-node.ts';
import { rulesOf } from '../graphs/kinds/kind-table.ts';
import { nodeOfRun } from '../graphs/scope.ts';
import type { RecordedEvent, RecordedRun } from './canonical.ts';
import { eventOrderFaults } from './event-order.ts';
import { parentOfPath, type RunPath, scopeOfPath } from './path.ts';
import type { SettledRunStatus, TraceStatus } from './trace-status.ts';

/** How a workflow stands in Temporal. */
export type WorkflowStanding = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** What Temporal has kept of the workflow of a trace, over all of its runs. */
export interface WorkflowHistory {
  readonly standing: WorkflowStanding;
  /** How often it has continued as new, and 1. */
  readonly runs: number;
  /** The ends that its activities reported, by the paths of the runs. */
  readonly ends: ReadonlyMap<RunPath, SettledRunStatus>;
  /** Whether a stretch found its task ended, by an earlier try of its own that did not come to report its runs. */
  readonly foundEnded: boolean;
  /** The tasks that it carries together; null for the execution of one task. */
  readonly carries: readonly string[] | null;
}

/** The rows of a trace, as far as a history can be compared with them. */
export interface TraceRows {
  readonly taskId: string;
  readonly definition: GraphDefinition;
  readonly status: TraceStatus;
  /** Those that have ended. */
  readonly runs: readonly RecordedRun[];
  readonly events: readonly (RecordedEvent & { readonly seq: number })[];
  /** Whether retention has removed events: then nothing is said of them. */
  readonly isPruned: boolean;
  /** Runs that were carried out in the trace of another task. */
  readonly taken: ReadonlySet<RunPath>;
}

/**
 * Where rows and history disagree. `status`: the trace and its workflow. `run_missing`: an activity reported an end that no
 * row has. `run_differs`: the row has another end. `run_surplus`: no activity reported the end of a row. `not_carried`: the
 * shared execution that the rows name does not carry the task. `events`: the events contradict themselves or the rows.
 */
export type GapKind = 'status' | 'run_missing' | 'run_differs' | 'run_surplus' | 'not_carried' | 'events';

export interface Gap {
  readonly kind: GapKind;
  /** The path of the run; null for a gap of the trace itself. */
  readonly path: RunPath | null;
  /** One sentence. */
  readonly message: string;
}

/** Every gap between the rows of a trace and the history of its workflow, which was read before them. */
export function gapsBetween(rows: TraceRows, history: WorkflowHistory): readonly Gap[] {
  if (history.carries !== null) return [...carriedGaps(rows, history), ...gapsWithin(rows)];
  return [
    ...statusGaps(rows, history),
    ...reportGaps(rows, history),
    ...surplusGaps(rows, history),
    ...gapsWithin(rows),
  ];
}

/** The gaps between the rows themselves: between runs and events, and in the order of what happened. */
export function gapsWithin(rows: TraceRows): readonly Gap[] {
  if (rows.status === 'running' || rows.isPruned) return [];
  const faults = eventOrderFaults(rows.events.map(({ path: nodeId, ...event }) => ({ ...event, nodeId })));
  const gaps = faults.map((message): Gap => ({ kind: 'events', path: null, message }));
  return [...gaps, ...rows.runs.flatMap((run) => eventGaps(run, rows))];
}

/** What a workflow ends as where its trace has ended so. A kill, and a cancel that nobody answered, terminate it. */
const STANDINGS: Readonly<Record<TraceStatus, readonly WorkflowStanding[]>> = {
  running: ['running'],
  completed: ['completed'],
  failed: ['failed'],
  cancelled: ['cancelled', 'completed', 'terminated'],
};

function statusGaps({ status }: TraceRows, { standing }: WorkflowHistory): readonly Gap[] {
  if (STANDINGS[status].includes(standing)) return [];
  return [gap('status', null, `The trace is ${status}, and its workflow ${standing}.`)];
}

function reportGaps({ runs }: TraceRows, { ends, standing }: WorkflowHistory): readonly Gap[] {
  const rows = new Map(runs.map((run) => [run.path, run]));
  return [...ends].flatMap(([path, reported]) => {
    const row = rows.get(path);
    // A skipped run of an inner graph may have no row.
    if (reported === 'skipped' && (row === undefined || standing === 'failed')) return [];
    if (row === undefined)
      return [gap('run_missing', path, `An activity reported its end (${reported}); it has no row.`)];
    // The workflow settles what was cut off before it began; its row says that it never did.
    if (row.status === reported || isCutOff(row)) return [];
    return [gap('run_differs', path, `Its row ended as ${row.status}; an activity reported ${reported}.`)];
  });
}

/**
 * Of a workflow that ended by itself every run was reported that is not part of a stretch within a container; of one that
 * failed, every run that was an activity of its own: a stretch may have ended others that was not heard before the failure.
 */
function surplusGaps(
  { runs, definition, taken }: TraceRows,
  { standing, ends, foundEnded }: WorkflowHistory,
): readonly Gap[] {
  if (standing !== 'completed' && standing !== 'failed') return [];
  const isHeard = standing === 'completed' && !foundEnded;
  return runs
    .filter((run) => run.status !== 'skipped' && !isCutOff(run) && !ends.has(run.path) && !taken.has(run.path))
    .filter(({ path }) => !hasNode(definition, path) || isReported(nodeOfRun(definition, path), isHeard))
    .map(({ path, status }) => gap('run_surplus', path, `Its row ended as ${status}; no activity reported it.`));
}

/** @param isHeard whether what stretches did was heard */
function isReported(node: GraphNode, isHeard: boolean): boolean {
  const drive = rulesOf(node.kind).drive(node);
  if (drive === 'activity' || drive === 'thinking') return true;
  return isHeard && parentOfPath(node.id) === null && (drive === 'inline' || drive === 'container');
}

function carriedGaps({ taskId }: TraceRows, { carries }: WorkflowHistory): readonly Gap[] {
  if (carries?.includes(taskId)) return [];
  return [gap('not_carried', null, 'The shared execution that its rows name does not carry the task.')];
}

/** Each run has the event of its end; and began after the ends of what it depends on. */
function eventGaps(run: RecordedRun, { events, definition }: TraceRows): readonly Gap[] {
  const { path, status } = run;
  const wanted = status === 'skipped' ? 'run.skipped' : status === 'ok' ? 'run.completed' : 'run.failed';
  const end = events.find((event) => event.path === path && event.type === wanted);
  if (end === undefined) return [gap('events', path, `Its row ended as ${status}, and there is no event "${wanted}".`)];
  const start = events.find((event) => event.path === path && event.type === 'run.started');
  if (start === undefined || !hasNode(definition, path)) return [];
  return nodeOfRun(definition, path)
    .dependsOn.filter((dependency) => endsAfter(`${scopeOfPath(path)}${dependency.node}`, start.seq, events))
    .map(({ node }: Dependency) => gap('events', path, `It began before "${node}" ended, on which it depends.`));
}

function endsAfter(path: RunPath, seq: number, events: TraceRows['events']): boolean {
  return events.some(
    (event) =>
      event.path === path && event.seq > seq && (event.type === 'run.completed' || event.type === 'run.failed'),
  );
}

function isCutOff({ error }: RecordedRun): boolean {
  return error?.code === 'handler_cancelled';
}

function gap(kind: GapKind, path: RunPath | null, message: string): Gap {
  return { kind, path, message };
}
