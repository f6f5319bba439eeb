import { setTimeout as pause } from 'node:timers/promises';
import { connectClient } from '../temporal/connect.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';

/** Long enough for the server's list of executions, which follows them by less than a second. */
const LOOK_EVERY_MS = 1_000;

/** How many events Temporal keeps of the executions that carry out tasks and start during some work. */
export async function workflowEvents(
  { stack, taskQueue }: MusterUnderTest,
  work: () => Promise<unknown>,
): Promise<number> {
  const temporal = await connectClient({ address: stack.temporalAddress, namespace: stack.temporalNamespace });
  const query = `TaskQueue = '${taskQueue}' and StartTime >= '${new Date().toISOString()}'`;
  try {
    await work();
    for (let before = Number.NaN; ; ) {
      await pause(LOOK_EVERY_MS);
      const found = await Array.fromAsync(temporal.client.workflow.list({ query }));
      const executions = found.filter(({ type }) => type.startsWith('executeTask'));
      const events = executions.reduce((sum, { historyLength }) => sum + historyLength, 0);
      if (events === before && executions.every(({ status }) => status.name !== 'RUNNING')) return events;
      before = events;
    }
  } finally {
    await temporal.close();
  }
}
