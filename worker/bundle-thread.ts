import { parentPort, workerData } from 'node:worker_threads';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** Bundles the workflows and hands the code to the thread that asked. */
const { code } = await bundleWorkflowCode({
  workflowsPath: workerData.workflowsPath,
  logger: new DefaultLogger('WARN'),
});
parentPort?.postMessage(code);
