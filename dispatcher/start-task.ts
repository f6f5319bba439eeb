import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { GraphCache } from '../database/graph-cache.ts';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { planOf } from '../domain/graphs/plan.ts';
import { SEARCH_ATTRIBUTES } from '../domain/system/search-attributes.ts';
import type { PriorityBand } from '../domain/tasks/priority.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { executeTask } from '../workflows/tasks/execute-task.ts';
import type { SettingsCache } from './settings-cache.ts';

/** Temporal's priority keys, of 1 to 5. */
const PRIORITY_KEYS: Record<PriorityBand, number> = { high: 1, normal: 3, low: 5 };
/** A tenant's weight unless the settings of the queue give it another. */
const DEFAULT_WEIGHT = 1;
const MAX_SUMMARY_CHARACTERS = 200;

/** Lets the carrying out of a claimed task begin. Whoever implements it makes repetitions harmless. */
export type StartTask = (task: ClaimedTask) => Promise<void>;

export interface WorkflowStarterOptions {
  readonly client: Client;
  readonly graphs: GraphCache;
  readonly settings: Pick<SettingsCache, 'latest'>;
}

/**
 * Starts the workflow of a claimed task. Idempotent: the id follows from the task and its trace, an open or a closed
 * workflow under it counts as success. PostgreSQL decides who may call this; Temporal forgets closed workflows.
 */
export function workflowStarter({ client, graphs, settings }: WorkflowStarterOptions): StartTask {
  return async (task) => {
    const { tenant, graphId } = task.execution;
    const weight = settings.latest.weights[tenant] ?? DEFAULT_WEIGHT;
    await startWorkflow(client, await graphs.get(tenant, graphId), { task, weight });
  };
}

async function startWorkflow(
  client: Client,
  definition: GraphDefinition,
  { task, weight }: { readonly task: ClaimedTask; readonly weight: number },
): Promise<void> {
  const { execution } = task;
  try {
    await client.workflow.start<typeof executeTask>('executeTask', {
      workflowId: taskWorkflowId(execution.taskId, execution.traceNumber),
      taskQueue: task.taskQueue,
      args: [
        {
          ...{ execution, graphName: task.graphName, plan: planOf(definition) },
          ...(task.deadlineAt === null ? {} : { deadlineAtMs: task.deadlineAt.getTime() }),
        },
      ],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      requestEagerStart: true,
      // What runs competes by the same rules as what waits: bands first, then tenants by their weights.
      priority: {
        priorityKey: PRIORITY_KEYS[task.priority],
        fairnessKey: execution.tenant,
        fairnessWeight: weight,
      },
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
