import { type Client, WorkflowExecutionAlreadyStartedError, type WorkflowStartOptions } from '@temporalio/client';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { allNodes, handlerNameOf, labelOf } from '../domain/graphs/kinds/kind-table.ts';
import { planOf } from '../domain/graphs/plan.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { SEARCH_ATTRIBUTES } from '../domain/system/search-attributes.ts';
import { EXECUTION_RULES } from '../domain/tasks/execution.ts';
import type { PriorityBand } from '../domain/tasks/priority.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { ensureSearchAttributes } from '../temporal/ensure-search-attributes.ts';
import { fitList, fitText, TEMPORAL_LIMITS } from '../temporal/fit-text.ts';
import { explain, refusalOf } from '../temporal/refusals.ts';
import type { executeTask } from '../workflows/tasks/execute-task.ts';
import { StartRefused } from './dispatcher-errors.ts';
import type { SettingsCache } from './settings-cache.ts';

/** Temporal's priority keys, of 1 to 5. */
const PRIORITY_KEYS: Record<PriorityBand, number> = { high: 1, normal: 3, low: 5 };
/** A tenant's weight unless the settings of the queue give it another. */
const DEFAULT_WEIGHT = 1;
/** A user's name of 255 characters fits, whatever they are. */
const MAX_KEYWORD_BYTES = 1_020;

/** Lets the carrying out of a claimed task begin. Whoever implements it makes repetitions harmless. */
export type StartTask = (task: ClaimedTask) => Promise<void>;

export interface WorkflowStarterOptions {
  readonly client: Client;
  readonly graphs: GraphCache;
  readonly settings: Pick<SettingsCache, 'latest'>;
  readonly log: LoopLog;
}

/**
 * Starts the workflow of a claimed task. Idempotent: the id follows from the task and its trace, an open or a closed
 * workflow under it counts as success. PostgreSQL decides who may call this; Temporal forgets closed workflows.
 *
 * Search attributes are for looking only: where the server refuses a start that has them, which it does as long as they
 * are not registered, the start is made without them. What it refuses then, it refuses for good.
 *
 * @throws StartRefused when no repetition can help; GraphMissing, StoredRowInvalid; whatever the SDK raises otherwise
 */
export function workflowStarter({ client, graphs, settings, log }: WorkflowStarterOptions): StartTask {
  return async (task) => {
    const { tenant, graphId, taskId } = task.execution;
    const weight = settings.latest.weights[tenant] ?? DEFAULT_WEIGHT;
    const definition = await graphs.get(tenant, graphId);
    const options = startOptions(task, definition, weight);
    try {
      await startWorkflow(client, { ...options, typedSearchAttributes: searchAttributes(task, definition) });
    } catch (error) {
      if (refusalOf(error)?.isFinal !== true) throw error;
      log.warn({ taskId, error: explain(error) }, 'Temporal refused a start; retrying without search attributes');
      await startPlainly(client, options, task);
    }
  };
}

async function startPlainly(client: Client, options: StartOptions, { execution }: ClaimedTask): Promise<void> {
  // They may be missing because the server lost its data. If they cannot be registered, `muster up` does it.
  await ensureSearchAttributes(client, client.options.namespace).catch(() => undefined);
  try {
    await startWorkflow(client, options);
  } catch (error) {
    const refusal = refusalOf(error);
    throw refusal?.isFinal === true ? new StartRefused(execution.taskId, refusal, error) : error;
  }
}

type StartOptions = WorkflowStartOptions<typeof executeTask>;

async function startWorkflow(client: Client, options: StartOptions): Promise<void> {
  try {
    await client.workflow.start<typeof executeTask>('executeTask', options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function startOptions(task: ClaimedTask, definition: GraphDefinition, weight: number): StartOptions {
  const { execution } = task;
  const deadline = task.deadlineAt === null ? {} : { deadlineAtMs: task.deadlineAt.getTime() };
  const paused = task.paused ? { paused: true } : {};
  return {
    workflowId: taskWorkflowId(execution.taskId, execution.traceNumber),
    taskQueue: task.taskQueue,
    args: [
      {
        execution,
        graphName: task.graphName,
        plan: planOf(definition),
        rules: EXECUTION_RULES,
        ...deadline,
        ...paused,
      },
    ],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    requestEagerStart: true,
    // What runs competes by the same rules as what waits: bands first, then tenants by their weights.
    priority: {
      priorityKey: PRIORITY_KEYS[task.priority],
      fairnessKey: fitText(execution.tenant, TEMPORAL_LIMITS.fairnessKey),
      fairnessWeight: weight,
    },
    staticSummary: fitText(`${task.graphName} · ${task.title}`, TEMPORAL_LIMITS.summary),
    staticDetails: fitText(describe(task, definition), TEMPORAL_LIMITS.details),
  };
}

function searchAttributes(task: ClaimedTask, definition: GraphDefinition) {
  const { user } = task.execution;
  const agents = [...new Set(allNodes(definition).flatMap((node) => handlerNameOf(node) ?? []))];
  return [
    { key: SEARCH_ATTRIBUTES.tenant, value: fitText(task.execution.tenant, MAX_KEYWORD_BYTES) },
    { key: SEARCH_ATTRIBUTES.graph, value: fitText(task.graphName, MAX_KEYWORD_BYTES) },
    { key: SEARCH_ATTRIBUTES.agents, value: fitList(agents, TEMPORAL_LIMITS.searchAttribute) },
    { key: SEARCH_ATTRIBUTES.priority, value: task.priority },
    { key: SEARCH_ATTRIBUTES.status, value: task.paused ? 'paused' : 'in_progress' },
    ...(user === null ? [] : [{ key: SEARCH_ATTRIBUTES.user, value: fitText(user, MAX_KEYWORD_BYTES) }]),
  ];
}

/** What the Web UI shows above the history: who asked for what, and which agents do it. */
function describe(task: ClaimedTask, definition: GraphDefinition): string {
  const nodes = definition.nodes.map((node) => {
    const does = node.objective === '' ? '' : `: ${node.objective}`;
    return `- \`${node.id}\` (${labelOf(node)})${does}`;
  });
  const { taskId, traceId, tenant } = task.execution;
  return [
    `Task \`${taskId}\`, trace \`${traceId}\`, tenant \`${tenant}\`, priority ${task.priority}.`,
    definition.description,
    nodes.join('\n'),
  ].join('\n\n');
}
