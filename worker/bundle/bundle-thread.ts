import { parentPort, workerData } from 'node:worker_threads';
import { bundleWorkflows } from './bundle-workflows.ts';

/** Bundles the workflows and hands the code to the thread that asked. */
parentPort?.postMessage(await bundleWorkflows(workerData.workflowsPath));
