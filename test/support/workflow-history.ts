import type { Client } from '@temporalio/client';

/** The longest history of a workflow's runs, and the largest event of all of them. */
export interface HistorySize {
  readonly runs: number;
  readonly events: number;
  readonly bytes: number;
  readonly largestEvent: number;
}

/** Measures the histories of all runs of a workflow, each of which continued the one before. */
export async function historySize(client: Client, workflowId: string): Promise<HistorySize> {
  const size = { runs: 0, events: 0, bytes: 0, largestEvent: 0 };
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const sizes = (events ?? []).map(bytesOf);
    size.runs += 1;
    size.events = Math.max(size.events, sizes.length);
    size.bytes = Math.max(
      size.bytes,
      sizes.reduce((sum, each) => sum + each, 0),
    );
    size.largestEvent = Math.max(size.largestEvent, ...sizes);
  }
  return size;
}

/** What an event holds: its payloads and texts, and eight bytes for anything else. */
function bytesOf(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object') return 8;
  return Object.values(value).reduce<number>((sum, each) => sum + bytesOf(each), 0);
}
