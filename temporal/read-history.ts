import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { isSettled } from '../domain/graphs/graph-state.ts';
import { isJsonObject } from '../domain/json.ts';
import { parsePath } from '../domain/traces/path.ts';
import { SETTLED_RUN_STATUSES, type SettledRunStatus } from '../domain/traces/trace-status.ts';
import type { WorkflowHistory, WorkflowStanding } from '../domain/traces/workflow-history.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type Event = NonNullable<History['events']>[number];
type Payloads = NonNullable<NonNullable<Event['activityTaskCompletedEventAttributes']>['result']>;
type Payload = NonNullable<Payloads['payloads']>[number];

/** How long Temporal may take to answer one call. */
const DEADLINE_MS = 10_000;

const STANDINGS: Readonly<Record<string, WorkflowStanding>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};

/**
 * Reads what Temporal has kept of a workflow: how it stands, and what its activities reported, over all runs since its first
 * start. A payload that cannot be read here, because it is encrypted for others, reports nothing. Null where Temporal does
 * not know the workflow any more.
 */
export async function readHistory(client: Client, workflowId: string): Promise<WorkflowHistory | null> {
  const reading = new HistoryReading(client, workflowId);
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, () => reading.read());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

class HistoryReading {
  readonly #client: Client;
  readonly #workflowId: string;
  readonly #ends = new Map<string, SettledRunStatus>();
  #carries: readonly string[] | null = null;
  #foundEnded = false;

  constructor(client: Client, workflowId: string) {
    this.#client = client;
    this.#workflowId = workflowId;
  }

  async read(): Promise<WorkflowHistory> {
    const newest = await this.#client.workflow.getHandle(this.#workflowId).describe();
    const histories: History[] = [];
    for (let runId: string | null = newest.runId; runId !== null; ) {
      const history: History = await this.#client.workflow.getHandle(this.#workflowId, runId).fetchHistory();
      histories.unshift(history);
      runId = startOf(history)?.continuedExecutionRunId || null;
    }
    for (const history of histories) await this.#readRun(history.events ?? []);
    const standing = STANDINGS[newest.status.name] ?? 'running';
    return { standing, runs: histories.length, ends: this.#ends, foundEnded: this.#foundEnded, carries: this.#carries };
  }

  async #readRun(events: readonly Event[]): Promise<void> {
    for (const event of events) {
      for (const payload of payloadsOf(event)) this.#note(await this.#decode(payload));
    }
  }

  /** What a payload says of ends: the result of a run, those of a stretch, or the state that one of either led to. */
  #note(value: unknown): void {
    if (!isJsonObject(value)) return;
    const { result, settled, graph, carried, tasks, closed } = value;
    this.#noteEnd(result);
    if (Array.isArray(settled)) for (const end of settled) this.#noteEnd(end);
    if (Array.isArray(settled) && settled.length === 0 && graph === undefined && closed) this.#foundEnded = true;
    this.#noteState(graph);
    if (isJsonObject(carried)) this.#noteState(carried.graph);
    if (Array.isArray(tasks)) this.#carries = tasks.map(String);
  }

  #noteEnd(end: unknown): void {
    if (!isJsonObject(end) || typeof end.id !== 'string' || parsePath(end.id) === null) return;
    const status = SETTLED_RUN_STATUSES.find((word) => word === end.status);
    if (status !== undefined) this.#ends.set(end.id, status);
  }

  #noteState(state: unknown): void {
    if (!isJsonObject(state) || !isJsonObject(state.nodes)) return;
    for (const [id, node] of Object.entries(state.nodes)) {
      const status = isJsonObject(node) ? SETTLED_RUN_STATUSES.find((word) => word === node.status) : undefined;
      if (status !== undefined && isSettled(status)) this.#ends.set(id, status);
    }
  }

  async #decode(payload: Payload): Promise<unknown> {
    const { payloadConverter, payloadCodecs } = this.#client.options.loadedDataConverter;
    try {
      let payloads: Payload[] = [payload];
      for (const codec of payloadCodecs) payloads = await codec.decode(payloads);
      const [first] = payloads;
      return first === undefined ? undefined : payloadConverter.fromPayload(first);
    } catch {
      return undefined;
    }
  }
}

function startOf({ events }: History) {
  return events?.[0]?.workflowExecutionStartedEventAttributes;
}

/** The payloads of an event that may report ends: the input, results, and the details of failures. */
function payloadsOf(event: Event): readonly Payload[] {
  const failure = event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.details;
  const marker = event.markerRecordedEventAttributes;
  return [
    event.workflowExecutionStartedEventAttributes?.input,
    event.activityTaskCompletedEventAttributes?.result,
    failure,
    marker?.details?.result,
    marker?.failure?.applicationFailureInfo?.details,
  ].flatMap((payloads) => payloads?.payloads ?? []);
}
