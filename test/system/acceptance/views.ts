import assert from 'node:assert/strict';
import { eventOrderFaults } from '../../../domain/traces/event-order.ts';
import type { TaskHandle, TaskView } from '../../../index.ts';

/** Waits for a task's end, however it ends, and returns all of it, after holding its event log to its promises. */
export async function ended(task: TaskHandle): Promise<TaskView> {
  await task.result().catch((error: { code?: string }) => {
    if (error.code !== 'task_failed' && error.code !== 'task_cancelled') throw error;
  });
  const view = await task.show();
  for (const { events } of view.traces) {
    assert.deepEqual(eventOrderFaults(events.map((event) => ({ ...event, nodeId: event.path }))), []);
  }
  return view;
}

/** The run of a node in the newest trace. Throws when there is none yet. */
export function runOf(view: TaskView, nodeId: string): TaskView['traces'][number]['runs'][number] {
  const run = view.traces.at(-1)?.runs.find((each) => each.nodeId === nodeId);
  assert.ok(run !== undefined, `there is no run of ${nodeId}`);
  return run;
}
