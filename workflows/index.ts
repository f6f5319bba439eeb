/** The register of workflows: what a worker can carry out. */
export { enforceRetention } from './retention/enforce-retention.ts';
export { executeTask } from './tasks/execute-task.ts';
