import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { GraphNode } from '../domain/graphs/definition.ts';
import { budgetOf, handlerNameOf } from '../domain/graphs/kinds/kind-table.ts';
import type { RunPath } from '../domain/traces/path.ts';

/**
 * How long the server waits for a heartbeat of a slow node before it gives the node to another worker. Twice the
 * longest pause that a busy but healthy event loop has shown.
 */
const HEARTBEAT_TIMEOUT_MS = 20_000;
/** The activity itself ends an attempt at its timeout; the server's timeout covers a worker that no longer can. */
const TIMEOUT_MARGIN_MS = 10_000;

/** The name of a run in the Web UI: its path and its handler. */
export function runLabel(path: RunPath, node: GraphNode): string {
  const handler = handlerNameOf(node);
  return handler === null ? path : `${path} · ${handler}`;
}

/**
 * The activity that runs one slow node. The activity decides from the run's row when to give up, because an outage of a
 * store or the death of a worker must not use up the node's retries: the policy itself never gives up.
 */
export function nodeActivity(path: RunPath, node: GraphNode): Pick<Activities, 'runNode'> {
  return proxyActivities<Activities>({
    activityId: path,
    summary: runLabel(path, node),
    startToCloseTimeout: budgetOf(node).timeoutMs + TIMEOUT_MARGIN_MS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
}

/** What a step of a thinking run leads to. */
export type ModelCallResult = Awaited<ReturnType<Activities['callModel']>>;

/** The longest time of a model call: an agent's own limit is shorter, and its worker keeps to it. */
const MODEL_CALL_MS = 300_000;

/** The activity that makes one step of a thinking run. @param id unlike that of every other activity of the run */
export function modelActivity(id: string, path: RunPath, node: GraphNode): Pick<Activities, 'callModel'> {
  return proxyStep(id, runLabel(path, node), MODEL_CALL_MS);
}

/** The activity that carries out one tool call of a thinking run. */
export function toolActivity(id: string, label: string, timeoutMs: number): Pick<Activities, 'callTool'> {
  return proxyStep(id, label, timeoutMs);
}

/** As for a node: the activity decides from the rows when to give up. */
function proxyStep(activityId: string, summary: string, timeoutMs: number) {
  return proxyActivities<Activities>({
    ...{ activityId, summary },
    startToCloseTimeout: timeoutMs + TIMEOUT_MARGIN_MS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
}

/** How long a person who decides in Temporal is kept waiting while PostgreSQL does not answer. */
const DECISION_MS = 120_000;

/** The activities that write a decision or an answer which came as an update. @param update its id, unlike that of every other one */
export function decisionActivity(update: string): Pick<Activities, 'answerInTemporal' | 'decideInTemporal'> {
  return proxyActivities<Activities>({
    activityId: `decision ${update}`,
    startToCloseTimeout: ROWS_TIMEOUT_MS,
    scheduleToCloseTimeout: DECISION_MS,
    retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '5s' },
  });
}

/** The time of a local activity besides its handlers: reading and writing rows, retries of the transaction included. */
const ROWS_TIMEOUT_MS = 30_000;

/** Short transactions within a workflow task. They wait out an outage of PostgreSQL. */
export function localActivities(summary: string): Pick<Activities, 'closeTask' | 'markTask'> {
  return proxyLocal(summary, ROWS_TIMEOUT_MS);
}

/** The activity that moves a task to another version of its graph, if it still may. */
export function moveActivity(): Pick<Activities, 'moveToVersion'> {
  return proxyLocal('move to another version', ROWS_TIMEOUT_MS);
}

/** The activity that looks at a run that waits. */
export function lookActivity(path: RunPath, node: GraphNode): Pick<Activities, 'lookAtWait'> {
  return proxyLocal(runLabel(path, node), ROWS_TIMEOUT_MS);
}

/**
 * The activity that runs a stretch of quick nodes, in one such transaction. It ends each attempt at its timeout; the
 * activity's timeout is their sum, because a stretch that is cut short starts again and would never end.
 *
 * @param nodes all that the stretch may reach, each once
 * @param rounds how often it may reach one of them, which containers repeat
 */
export function stretchActivity(
  summary: string,
  nodes: readonly GraphNode[],
  rounds: number,
): Pick<Activities, 'runQuickNodes'> {
  const attemptsMs = nodes.map(budgetOf).map(({ timeoutMs, maxRetries }) => timeoutMs * (maxRetries + 1));
  return proxyLocal(
    summary,
    attemptsMs.reduce((sum, ms) => sum + ms * rounds, ROWS_TIMEOUT_MS),
  );
}

/** The activity that carries many small tasks: as long as the longest of them may take, and their rows. */
export function sharedActivity(count: number, handlersMs: number): Pick<Activities, 'runTogether'> {
  return proxyLocal(`${count} tasks`, ROWS_TIMEOUT_MS + handlersMs);
}

function proxyLocal(summary: string, startToCloseTimeout: number) {
  return proxyLocalActivities<Activities>({
    summary,
    startToCloseTimeout,
    retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
}

/** Pruning: long, in batches, with the table and count as heartbeat details. */
export const retentionActivities = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  // The next night's run does what this one did not reach.
  scheduleToCloseTimeout: '20h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Comparing a sample of traces: some hundred calls of Temporal, with the count as heartbeat details. */
export const verificationActivities = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '20h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * One check of the agents. Local, because there is one every ten seconds; after an outage the next start comes sooner
 * than a retry.
 */
export const supervisionActivities = proxyLocalActivities<Activities>({
  summary: 'Who is silent',
  startToCloseTimeout: '25s',
  retry: { maximumAttempts: 1 },
});
