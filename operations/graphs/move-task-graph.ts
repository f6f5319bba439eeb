import { LockMode } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Break } from '../../domain/graphs/proof/proof.ts';
import type { GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { isParkedTaskStatus, isWaitingTaskStatus } from '../../domain/tasks/task-status.ts';
import { AgentGraph } from '../../entities/graphs/agent-graph.ts';
import { GraphHistoryRepository } from '../../entities/tasks/graph-history-repository.ts';
import { Task } from '../../entities/tasks/task.ts';
import { AgentTrace } from '../../entities/traces/agent-trace.ts';
import { graphMoveAsked, graphMoveDropped, graphMoved } from '../record/move-graph.ts';
import type { GraphCache } from './graph-cache.ts';
import { breakOfMove, happenedOf, type ProveVersion, versionProof } from './prove-version.ts';

/** Where a task moves, and in whose name. */
export interface Move {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly graphId: GraphId;
  readonly actor: string;
  /** Writes nothing. */
  readonly dryRun: boolean;
}

/** The rows of a move, and the versions that it is between. */
export interface Moving {
  readonly em: SqlEntityManager;
  readonly graphs: Pick<GraphCache, 'get'>;
}

/** `moving`: its workflow moves it once nothing of it runs. `left`: it is not parked any more, or has the version. */
export type MoveOutcome = 'movable' | 'moved' | 'moving' | 'left' | Break;

/**
 * Moves a parked task, or asks its workflow to, unless it would break. Under the lock of its row, so that it neither begins
 * nor ends meanwhile.
 */
export async function moveTaskGraph({ em, graphs }: Moving, move: Move): Promise<MoveOutcome> {
  const { tenant, taskId: id, graphId, actor } = move;
  const task = await em.findOne(Task, { id, tenantId: tenant }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (task === null || !isParkedTaskStatus(task.status) || task.graphId === graphId) return 'left';
  const trace = isWaitingTaskStatus(task.status) ? null : await openTrace(em, task);
  const breaks = await breakOf({ em, graphs }, { task, trace, graphId });
  if (breaks !== null) return breaks;
  if (move.dryRun) return 'movable';
  const made = { tenant, taskId: id, from: task.graphId, to: graphId, actor };
  await (trace === null ? graphMoved(em, made, null) : graphMoveAsked(em, made, trace));
  return trace === null ? 'moved' : 'moving';
}

/**
 * Makes the move that was asked for, now that nothing of the task runs; or drops it, where the task is not parked any more or
 * would break by now. What was skipped is decided anew. @returns the version that the task has
 */
export async function settleMove(
  { em, graphs }: Moving,
  { tenant, taskId: id, traceId, fence, graphId }: ExecutionRef,
): Promise<GraphId> {
  const task = await em.findOne(Task, { id, fence }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  const trace = await em.findOne(AgentTrace, { id: traceId });
  const next = trace?.nextGraphId ?? null;
  if (task === null || trace === null || next === null) return task?.graphId ?? graphId;
  const move = { tenant, taskId: id, from: task.graphId, to: next, actor: 'muster' };
  const isParked = isParkedTaskStatus(task.status);
  const breaks = isParked ? await breakOf({ em, graphs }, { task, trace, graphId: next }) : NOT_PARKED;
  if (breaks === null) await graphMoved(em, move, trace);
  else await graphMoveDropped(em, move, { trace, breaks });
  return breaks === null ? next : task.graphId;
}

const NOT_PARKED: Break = { path: null, message: 'It is not parked any more.' };

function openTrace(em: SqlEntityManager, { id, traceCount }: Task): Promise<AgentTrace> {
  return em.findOneOrFail(AgentTrace, { taskId: id, number: traceCount });
}

interface Candidate {
  readonly task: Task;
  readonly trace: AgentTrace | null;
  readonly graphId: GraphId;
}

async function breakOf({ em, graphs }: Moving, { task, trace, graphId }: Candidate): Promise<Break | null> {
  const { tenantId: tenant } = task;
  const { taskQueue } = await em.findOneOrFail(AgentGraph, { id: graphId }, { fields: ['taskQueue'] });
  if (taskQueue !== task.taskQueue) {
    const message = `It is on the task queue "${task.taskQueue}", and this version runs on "${taskQueue}".`;
    return { path: null, message };
  }
  const { input, inputArtifactId: artifactId = null } = task;
  const stored = { json: input === null || input === undefined ? null : JSON.stringify(input), artifactId };
  const happened = happenedOf(
    await new GraphHistoryRepository(em).happened({ input: stored, traceId: trace?.id ?? null }),
  );
  const [from, to] = await Promise.all([task.graphId, graphId].map((id) => proofOf(graphs, tenant, id)));
  return from === undefined || to === undefined ? null : breakOfMove(happened, from, to).breaks;
}

async function proofOf(graphs: Moving['graphs'], tenant: TenantId, id: GraphId): Promise<ProveVersion> {
  return versionProof(await graphs.get(tenant, id));
}
