import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { planOf } from '../domain/graphs/plan.ts';
import { SEARCH_ATTRIBUTES } from '../domain/system/search-attributes.ts';
import type { PriorityBand } from '../domain/tasks/priority.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { ClaimedTask } from '../entities/tasks/claim-repository.ts';
import type { executeTask } from '../workflows/tasks/execute-task.ts';

/** Temporal's priority keys, of 1 to 5. */
const PRIORITY_KEYS: Record<PriorityBand, number> = { high: 1, normal: 3, low: 5 };
const MAX_SUMMARY_CHARACTERS = 200;

/**
 * Starts the workflow of a claimed task. Idempotent: the id follows from the task and its trace, an open or a closed
 * workflow under it counts as success. PostgreSQL decides who may call this; Temporal forgets closed workflows.
 */
export async function startTask(client: Client, task: ClaimedTask, definition: GraphDefinition): Promise<void> {
  const { execution } = task;
  try {
    await client.workflow.start<typeof executeTask>('executeTask', {
      workflowId: taskWorkflowId(execution.taskId, execution.traceNumber),
      taskQueue: task.taskQueue,
      args: [{ execution, graphName: task.graphName, plan: planOf(definition) }],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      requestEagerStart: true,
      priority: { priorityKey: PRIORITY_KEYS[task.priority] },
      staticSummary: `${task.graphName} · ${task.title}`.slice(0, MAX_SUMMARY_CHARACTERS),
      staticDetails: describe(task, definition),
      typedSearchAttributes: searchAttributes(task, definition),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function searchAttributes(task: ClaimedTask, definition: GraphDefinition) {
  const agents = [...new Set(definition.nodes.flatMap((node) => node.handler ?? []))];
  return [
    { key: SEARCH_ATTRIBUTES.tenant, value: task.execution.tenant },
    { key: SEARCH_ATTRIBUTES.graph, value: task.graphName },
    { key: SEARCH_ATTRIBUTES.agents, value: agents },
    { key: SEARCH_ATTRIBUTES.priority, value: task.priority },
    { key: SEARCH_ATTRIBUTES.status, value: 'in_progress' },
    ...(task.execution.user === null ? [] : [{ key: SEARCH_ATTRIBUTES.user, value: task.execution.user }]),
  ];
}

/** What the Web UI shows above the history: who asked for what, and which agents do it. */
function describe(task: ClaimedTask, definition: GraphDefinition): string {
  const nodes = definition.nodes.map((node) => {
    const does = node.objective === '' ? '' : `: ${node.objective}`;
    return `- \`${node.id}\` (${node.handler ?? node.kind})${does}`;
  });
  const { taskId, traceId, tenant } = task.execution;
  return [
    `Task \`${taskId}\`, trace \`${traceId}\`, tenant \`${tenant}\`, priority ${task.priority}.`,
    definition.description,
    nodes.join('\n'),
  ].join('\n\n');
}
