import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { v7 as uuid } from 'uuid';
import { connectWorker } from '../../temporal/connect-worker.ts';
import type { Stack } from '../../test/support/stack.ts';
import type { Contestant } from '../measure.ts';

/** Bare Temporal on the same server: a worker and a client as its documentation shows them. */
export async function openBareTemporal(
  stack: Stack,
  { workflow, name }: { readonly workflow: 'fiveActivities' | 'fanOut'; readonly name: string },
): Promise<Contestant & { close(): Promise<void> }> {
  const { connection, client, namespace, close } = await connectWorker({
    address: stack.temporalAddress,
    namespace: stack.temporalNamespace,
  });
  const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const taskQueue = `bare-${uuid()}`;
  const activities = { nothing: async () => {} };
  const worker = await Worker.create({ connection, namespace, taskQueue, workflowBundle, activities });
  const running = worker.run();
  return {
    name: `bare Temporal, ${name}`,
    once: () => client.workflow.execute(workflow, { workflowId: uuid(), taskQueue }),
    close: async () => {
      worker.shutdown();
      await running;
      await close();
    },
  };
}
