import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { isFinalError } from '../../domain/errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { GraphId } from '../../domain/ids.ts';
import { nodeOfPath, type RunPath } from '../../domain/traces/path.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { type MessageRecord, MessageRepository } from '../../entities/messaging/message-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { type TraceEventRecord, type TraceRecord, TraceRepository } from '../../entities/traces/trace-repository.ts';
import { type StepView, stepsOf, sumOf, type ThinkingRows, type UsageView } from '../thinking/steps-view.ts';
import { type NodeOutline, outlineOf } from './outline.ts';
import { inputsOf, startOf } from './run-inputs.ts';

/** One run as a reader sees it. */
export interface RunView extends Omit<RunRecord, 'kind' | 'outcome' | 'output'> {
  /** The node's id in its graph. */
  readonly nodeId: string;
  /** Where the run stands in its trace: `draft`, `each[3]/draft`. The node's id for a node of the task's own graph. */
  readonly path: RunPath;
  /** The beginning of its input as JSON, 2,000 characters at most; null where part of it is missing, or an artifact. */
  readonly inputStart: string | null;
  /** The same of its output; null without one, or where it is an artifact. */
  readonly outputStart: string | null;
}

/** One execution of the graph for the task. */
export interface TraceView {
  readonly id: string;
  readonly number: number;
  readonly status: TraceStatus;
  readonly workflowId: string;
  /** The trace that failed before the task was redriven, or of which a fork takes runs over; null where there is none. */
  readonly originTraceId: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** The nodes of its graph; empty where the stored graph cannot be read. */
  readonly nodes: readonly NodeOutline[];
  readonly runs: readonly RunView[];
  /** The steps of its thinking runs, by path and number. */
  readonly steps: readonly StepView[];
  readonly usage: UsageView;
  /** What its nodes sent, the oldest first; of more than 500 the newest. */
  readonly messages: readonly MessageRecord[];
  readonly events: readonly (TraceEventRecord & { readonly path: RunPath | null })[];
}

/** Of a trace with more events than twice this, which only pauses and losses without end make, the middle is left out. */
const EVENTS_AT_EACH_END = 5_000;
const MOST_MESSAGES = 500;

/** Reads a trace whole, in the caller's transaction. */
export async function readTrace(
  em: SqlEntityManager,
  trace: TraceRecord,
  { task, thinking }: { readonly task: TaskRecord; readonly thinking: ThinkingRows },
): Promise<TraceView> {
  const steps = stepsOf(trace.id, thinking);
  const { id, number, status, workflowId, originTraceId, createdAt, finishedAt } = trace;
  const runs = await new RunRepository(em).list(id);
  const events = await readEvents(em, trace);
  const messages = await new MessageRepository(em).list({ traceId: id, limit: MOST_MESSAGES });
  const graph = await readGraph(em, trace.graphId);
  const inputOf = graph === null ? () => null : inputsOf(graph, { input: task.input, runs });
  return {
    ...{ id, number, status, workflowId, originTraceId, startedAt: createdAt, finishedAt },
    nodes: graph === null ? [] : outlineOf(graph),
    runs: inOrder(runs, events).map((run) => runView(run, inputOf)),
    steps,
    usage: sumOf(steps),
    messages: messages.toReversed(),
    events: events.map(({ nodeId: path, ...event }) => ({ ...event, nodeId: path && nodeOfPath(path), path })),
  };
}

async function readEvents(em: SqlEntityManager, { id, lastSeq }: TraceRecord): Promise<TraceEventRecord[]> {
  const traces = new TraceRepository(em);
  const events = await traces.events(id, 0, EVENTS_AT_EACH_END);
  if (lastSeq <= EVENTS_AT_EACH_END) return events;
  const later = Math.max(EVENTS_AT_EACH_END, lastSeq - EVENTS_AT_EACH_END);
  return [...events, ...(await traces.events(id, later, EVENTS_AT_EACH_END))];
}

/** Null where the graph cannot be read any more: what happened is shown all the same. */
async function readGraph(em: SqlEntityManager, id: GraphId): Promise<GraphDefinition | null> {
  try {
    return (await new GraphRepository(em).load(id))?.definition ?? null;
  } catch (error) {
    if (!isFinalError(error)) throw error;
    return null;
  }
}

function runView(
  { kind: _kind, outcome: _outcome, output, nodeId: path, ...run }: RunRecord,
  inputOf: (path: RunPath) => string | null,
): RunView {
  return { ...run, nodeId: nodeOfPath(path), path, inputStart: inputOf(path), outputStart: startOf(output) };
}

/** In the order of their beginnings; within a millisecond, in the order of their events. */
function inOrder(runs: readonly RunRecord[], events: readonly TraceEventRecord[]): RunRecord[] {
  const began = new Map(events.toReversed().map(({ nodeId, seq }) => [nodeId, seq]));
  const millisecond = ({ startedAt, takenFrom }: RunRecord) =>
    startedAt?.getTime() ?? (takenFrom === null ? Number.POSITIVE_INFINITY : 0);
  return runs.toSorted(
    (one, other) =>
      millisecond(one) - millisecond(other) || (began.get(one.nodeId) ?? 0) - (began.get(other.nodeId) ?? 0),
  );
}
