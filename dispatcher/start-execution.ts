import { type Client, WorkflowExecutionAlreadyStartedError, type WorkflowStartOptions } from '@temporalio/client';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { allNodes, handlerNameOf } from '../domain/graphs/kinds/kind-table.ts';
import { weightOf } from '../domain/queues/queue-settings.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { SEARCH_ATTRIBUTES } from '../domain/system/search-attributes.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../domain/tasks/priority.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { ensureSearchAttributes } from '../temporal/ensure-search-attributes.ts';
import { fitList, fitText, TEMPORAL_LIMITS } from '../temporal/fit-text.ts';
import { explain, refusalOf } from '../temporal/refusals.ts';
import type { SettingsCache } from './settings-cache.ts';

/** Temporal's priority keys, of 1 to 5. */
const PRIORITY_KEYS: Record<PriorityBand, number> = { high: 1, normal: 3, low: 5 };

export interface StarterOptions {
  readonly client: Client;
  readonly graphs: GraphCache;
  readonly settings: Pick<SettingsCache, 'latest'>;
  readonly log: LoopLog;
}

/** A workflow that is to be started, and what it carries out. */
export interface Execution {
  readonly workflow: string;
  readonly workflowId: string;
  readonly args: unknown[];
  /** All of one task queue. */
  readonly tasks: readonly ClaimedTask[];
  readonly definitions: readonly GraphDefinition[];
  readonly summary: string;
  readonly details: string;
  /** The value of its search attribute, for a workflow that keeps it up to date. */
  readonly status?: string;
}

/**
 * Starts a workflow. Idempotent by its id: a workflow that is there already, open or closed, counts as started.
 *
 * Search attributes are for looking only: where the server refuses a start that has them, which it does as long as they
 * are not registered, the start is made without them. What it refuses then, it refuses for good.
 */
export async function startExecution(options: StarterOptions, execution: Execution): Promise<void> {
  const { client, log } = options;
  const { workflow, workflowId } = execution;
  const plain = startOptions(options, execution);
  try {
    await startUnlessThere(client, workflow, { ...plain, typedSearchAttributes: searchAttributes(execution) });
  } catch (error) {
    if (refusalOf(error)?.isFinal !== true) throw error;
    log.warn({ workflowId, error: explain(error) }, 'Temporal refused a start; retrying without search attributes');
    // They may be missing because the server lost its data. If they cannot be registered, `muster up` does it.
    await ensureSearchAttributes(client, client.options.namespace).catch(() => undefined);
    await startUnlessThere(client, workflow, plain);
  }
}

async function startUnlessThere(client: Client, workflow: string, options: WorkflowStartOptions): Promise<void> {
  try {
    await client.workflow.start(workflow, options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function startOptions({ settings }: StarterOptions, execution: Execution): WorkflowStartOptions {
  const { workflowId, args, tasks, summary, details } = execution;
  const [{ taskQueue, priority: first }] = tasks as readonly [ClaimedTask];
  const bands = new Set(tasks.map(({ priority }) => priority));
  const tenant = onlyOf(tasks.map((task) => task.execution.tenant));
  return {
    workflowId,
    taskQueue,
    args,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    requestEagerStart: true,
    // What runs competes by the same rules as what waits: bands first, then tenants by their weights.
    priority: {
      priorityKey: PRIORITY_KEYS[PRIORITY_BANDS.find((band) => bands.has(band)) ?? first],
      ...(tenant !== null && {
        fairnessKey: fitText(tenant, TEMPORAL_LIMITS.fairnessKey),
        fairnessWeight: weightOf(settings.latest, tenant),
      }),
    },
    staticSummary: fitText(summary, TEMPORAL_LIMITS.summary),
    staticDetails: fitText(details, TEMPORAL_LIMITS.details),
  };
}

/** Keywords where all tasks have the same, and lists of what they have. */
function searchAttributes({ tasks, definitions, status }: Execution) {
  const keywords = [
    { key: SEARCH_ATTRIBUTES.tenant, value: onlyOf(tasks.map(({ execution }) => execution.tenant)) },
    { key: SEARCH_ATTRIBUTES.graph, value: onlyOf(tasks.map(({ graphName }) => graphName)) },
    { key: SEARCH_ATTRIBUTES.priority, value: onlyOf(tasks.map(({ priority }) => priority)) },
    { key: SEARCH_ATTRIBUTES.user, value: onlyOf(tasks.map(({ execution }) => execution.user)) },
    { key: SEARCH_ATTRIBUTES.status, value: status ?? null },
  ];
  const agents = definitions.flatMap(allNodes).flatMap((node) => handlerNameOf(node) ?? []);
  const lists = [
    { key: SEARCH_ATTRIBUTES.agents, values: agents },
    { key: SEARCH_ATTRIBUTES.users, values: tasks.flatMap(({ execution }) => execution.user ?? []) },
  ];
  return [
    ...keywords.flatMap(({ key, value }) =>
      value === null ? [] : [{ key, value: fitText(value, TEMPORAL_LIMITS.keyword) }],
    ),
    ...lists.map(({ key, values }) => ({ key, value: fitList([...new Set(values)], TEMPORAL_LIMITS.searchAttribute) })),
  ];
}

/** The value that all have, null where they differ. */
function onlyOf<Value extends string>(values: readonly (Value | null)[]): Value | null {
  const [only = null, ...others] = new Set(values);
  return others.length === 0 ? only : null;
}
