/** The register of workflows: what a worker can carry out. */
export { superviseAgents } from './agents/supervise-agents.ts';
export { enforceRetention } from './retention/enforce-retention.ts';
export { executeTask } from './tasks/execute-task.ts';
export { executeTasks } from './tasks/execute-tasks.ts';
export { verifyTraces } from './traces/verify-traces.ts';
