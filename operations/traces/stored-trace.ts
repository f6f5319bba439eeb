import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { GraphMissing } from '../../database/database-errors.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { RecordedEnd, RecordedEvent, RecordedRun, RecordedTrace } from '../../domain/traces/canonical.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { SettledRunStatus } from '../../domain/traces/trace-status.ts';
import { GraphRepository, type PublishedGraph } from '../../entities/graphs/graph-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import type { ModelCall } from '../../entities/thinking/model-call.ts';
import type { StepRows } from '../../entities/thinking/statements/read-steps.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { ArtifactRepository, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { type TraceEventRecord, type TraceRecord, TraceRepository } from '../../entities/traces/trace-repository.ts';
import { TraceUnknown } from './trace-errors.ts';

/** A trace as its rows hold it, read for the rules that judge it. */
export interface StoredTrace {
  readonly trace: TraceRecord;
  readonly graph: PublishedGraph;
  readonly recorded: RecordedTrace;
  readonly events: readonly (RecordedEvent & { readonly seq: number })[];
  /** Whether retention has removed events, which go before runs. */
  readonly isPruned: boolean;
  /** Runs that were carried out in a trace of another task. */
  readonly taken: ReadonlySet<RunPath>;
  /** What its thinking runs asked, by run. */
  readonly steps: ReadonlyMap<RunPath, readonly StepRows[]>;
}

/** The trace of a task by its number. @param number absent for the newest @throws TraceUnknown */
export async function requireTrace(em: SqlEntityManager, task: TaskRecord, number?: number): Promise<TraceRecord> {
  const traces = await new TraceRepository(em).list(task.id);
  const wanted = number ?? Math.max(1, task.traceCount);
  const found = traces.find((trace) => trace.number === wanted);
  if (found === undefined) throw new TraceUnknown(task, wanted);
  return found;
}

/** Reads a trace whole, in the caller's transaction. @throws GraphMissing, StoredRowInvalid */
export async function readStoredTrace(
  em: SqlEntityManager,
  task: TaskRecord,
  trace: TraceRecord,
): Promise<StoredTrace> {
  const graph = await new GraphRepository(em).load(trace.graphId);
  if (graph === null) throw new GraphMissing(trace.graphId);
  const events = await allEvents(em, trace);
  const runs = endedRuns(await new RunRepository(em).list(trace.id), events);
  const values = new Map<RunPath | typeof INPUT | typeof OUTPUT, StoredValue>(
    runs.map((run) => [run.nodeId, run.output]),
  );
  const isNewest = trace.number === task.traceCount && trace.status === 'completed';
  values.set(INPUT, task.input);
  if (isNewest) values.set(OUTPUT, task.output);
  const loaded = await new ArtifactRepository(em).load(values);
  const valueAt = (key: RunPath | typeof INPUT | typeof OUTPUT): Json => loaded.get(key) ?? null;
  return {
    isPruned: trace.lastSeq > 0 && events[0]?.seq !== 1,
    taken: new Set(runs.filter(({ takenFrom }) => takenFrom !== null).map(({ nodeId }) => nodeId)),
    ...{ trace, graph, steps: await stepsOf(em, trace, task) },
    recorded: {
      task: valueAt(INPUT),
      runs: runs.map((run) => recordedRun(run, valueAt(run.nodeId))),
      end: endOf(trace, valueAt(OUTPUT)),
    },
    events: events.map(({ seq, type, nodeId: path, data }) => ({ seq, type, path, step: stepIn(data) })),
  };
}

const INPUT = Symbol('the input of the task');
const OUTPUT = Symbol('the output of the task');

/** Events in one statement. */
const PAGE = 5_000;

async function allEvents(em: SqlEntityManager, { id, lastSeq }: TraceRecord): Promise<readonly TraceEventRecord[]> {
  const events: TraceEventRecord[] = [];
  const repository = new TraceRepository(em);
  for (let after = 0; after < lastSeq; after += PAGE) {
    for (const event of await repository.events(id, after, PAGE)) events.push(event);
  }
  return events;
}

/** A run that has ended. */
type EndedRun = RunRecord & { readonly status: SettledRunStatus };

/** In the order of the events of their ends. */
function endedRuns(runs: readonly RunRecord[], events: readonly TraceEventRecord[]): readonly EndedRun[] {
  const endedAt = new Map(events.map(({ nodeId, seq }) => [nodeId, seq]));
  return runs
    .filter((run): run is EndedRun => run.finishedAt !== null)
    .toSorted((one, other) => (endedAt.get(one.nodeId) ?? 0) - (endedAt.get(other.nodeId) ?? 0));
}

function recordedRun(
  { nodeId: path, agent: performer, kind, status, outcome, error }: EndedRun,
  output: Json,
): RecordedRun {
  return { path, kind, performer, status, outcome, output, error };
}

function endOf({ status, error }: TraceRecord, output: Json): RecordedEnd | null {
  return status === 'running' ? null : { status, output, error: status === 'completed' ? null : error };
}

async function stepsOf(
  em: SqlEntityManager,
  { id: traceId }: TraceRecord,
  { id }: TaskRecord,
): Promise<StoredTrace['steps']> {
  const { models, tools } = await new ThinkingRepository(em).ofTask(id);
  const steps = models
    .filter((call) => call.traceId === traceId)
    .map((call) => ({ call, tools: tools.filter((tool) => isAskedBy(call, tool)) }));
  return Map.groupBy(steps, ({ call }) => call.path as RunPath);
}

function isAskedBy(call: ModelCall, tool: ToolCall): boolean {
  return tool.traceId === call.traceId && tool.path === call.path && tool.step === call.step;
}

function stepIn(data: Json): number | null {
  return isJsonObject(data) && typeof data.step === 'number' ? data.step : null;
}
