import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { GraphNode } from '../domain/graphs/definition.ts';
import { budgetOf, handlerNameOf } from '../domain/graphs/kinds/kind-table.ts';
import type { RunPath } from '../domain/traces/path.ts';

/**
 * How long the server waits for a sign of life from a slow node before it hands the node to another worker. Twice the
 * longest pause that a busy but healthy event loop has shown.
 */
const HEARTBEAT_TIMEOUT_MS = 20_000;
/** The activity ends an attempt itself at its budget; the server's timeout is for a worker that no longer can. */
const TIMEOUT_MARGIN_MS = 10_000;

/** What the activity of a slow node reports. */
export type NodeEnd = Awaited<ReturnType<Activities['runNode']>>;

/** How the Web UI names a run: its path, and who does it. */
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

/** The time of a local activity besides its handlers: reading and writing rows, retries of the transaction included. */
const ROWS_TIMEOUT_MS = 30_000;

/** Short transactions that ride in a workflow task. They wait out an outage of PostgreSQL. */
export function localActivities(summary: string): Pick<Activities, 'closeTask' | 'markTask'> {
  return proxyLocal(summary, ROWS_TIMEOUT_MS);
}

/**
 * The activity that runs a stretch of quick nodes, in one such transaction. It ends each attempt at its budget; the
 * timeout is for all of them one after the other, because a stretch that is cut short begins anew and never ends.
 *
 * @param nodes all that the stretch may come to, each once
 * @param rounds how often it may come to one of them: within containers, again and again
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
  // The next night's run does what this one did not get to.
  scheduleToCloseTimeout: '20h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * One look after the agents. Local, because there is one every ten seconds; the next start comes sooner than a retry
 * would after an outage.
 */
export const supervisionActivities = proxyLocalActivities<Activities>({
  summary: 'Who is silent',
  startToCloseTimeout: '25s',
  retry: { maximumAttempts: 1 },
});
