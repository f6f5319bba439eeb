import type { GraphNode } from '../../domain/graphs/definition.ts';
import { performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { NodeResult } from '../../domain/tasks/execution.ts';
import type { AttemptVerdict } from '../../domain/traces/attempt.ts';
import { NOTHING_STORED, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import type { RunEnd, RunOpened, RunSubject, RunWait } from '../../operations/record/notes.ts';

/** A verdict that ends a run. */
export type FinalVerdict = Extract<AttemptVerdict, { readonly kind: 'complete' | 'fail' }>;
type RetryVerdict = Extract<AttemptVerdict, { readonly kind: 'retry' }>;

/** What of a run was known before its last attempt ended. */
export interface RunSoFar {
  /** How many attempts began, the last one included. */
  readonly attempts: number;
  readonly failures: number;
  /** Null where the row knows it. */
  readonly startedAt: Date | null;
}

/** Which node a run is of, as its row names it. */
export function subjectOf(node: GraphNode): RunSubject {
  return { nodeId: node.id, agent: performerOf(node), kind: node.kind };
}

/** The row of a run that has ended so. @param output where its output is stored */
export function endedRun(
  node: GraphNode,
  verdict: FinalVerdict,
  { output = NOTHING_STORED, ...run }: RunSoFar & { readonly output?: StoredValue },
): RunEnd {
  const completed = verdict.kind === 'complete';
  return {
    ...{ ...subjectOf(node), ...run, output, finishedAt: new Date() },
    status: completed ? 'ok' : verdict.status,
    failures: completed ? run.failures : verdict.failures,
    outcome: completed ? verdict.outcome : null,
    error: completed ? null : verdict.error,
  };
}

/** The row of a run whose first attempt failed, and that another one will follow. */
export function waitingRun(node: GraphNode, { error, waitMs }: RetryVerdict, startedAt: Date): RunWait {
  return {
    ...{ ...subjectOf(node), attempts: 1, failures: 1, error, startedAt, waitMs },
    ...{ status: 'pending', outcome: null, output: NOTHING_STORED, finishedAt: null },
  };
}

/** The row of a container that is open. */
export function openedRun(node: GraphNode, startedAt: Date): RunOpened {
  return {
    ...{ ...subjectOf(node), attempts: 1, failures: 0, error: null, startedAt },
    ...{ status: 'running', outcome: null, output: NOTHING_STORED, finishedAt: null },
  };
}

/** The row of a run that never began. */
export function skippedRun(node: GraphNode, reason: string): RunEnd {
  return {
    ...{ ...subjectOf(node), attempts: 0, failures: 0, startedAt: null, finishedAt: new Date() },
    ...{ status: 'skipped', outcome: null, output: NOTHING_STORED, error: { code: 'skipped', message: reason } },
  };
}

/** The row of a run that had begun, and that the graph does not let continue. */
export function cutOffRun(node: GraphNode, attempts: number, reason: string): RunEnd {
  return {
    ...{ ...subjectOf(node), attempts, failures: 0, startedAt: null, finishedAt: new Date() },
    ...{ status: 'fatal_error', outcome: null, output: NOTHING_STORED },
    error: { code: 'handler_cancelled', message: reason },
  };
}

/** What the interpreter is told of an ended run. */
export function resultOf({ nodeId, status, attempts, outcome }: RunEnd): NodeResult {
  return { id: nodeId, status, attempts, ...(outcome === null ? {} : { outcome }) };
}
