import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Break } from '../../domain/graphs/proof/proof.ts';
import type { GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { runPart } from '../../entities/insert-from.ts';
import { outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import { Task } from '../../entities/tasks/task.ts';
import { AgentRun } from '../../entities/traces/agent-run.ts';
import { AgentTrace } from '../../entities/traces/agent-trace.ts';

/** A task that moves from one version of its graph to another, and in whose name. */
export interface GraphMove {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly from: GraphId;
  readonly to: GraphId;
  readonly actor: string;
}

/** Has the workflow of a task told that it is to move. */
export async function graphMoveAsked(em: SqlEntityManager, move: GraphMove, trace: AgentTrace): Promise<void> {
  const { tenant, taskId, to } = move;
  await em.nativeUpdate(AgentTrace, { id: trace.id }, { nextGraphId: to });
  await note(em, move, 'task.move_asked');
  const payload = { traceNumber: trace.number };
  await runPart(em, outboxRowsFrom(null, { tenant, topic: 'task.moving', taskId, payload }));
}

/** Moves a task, and its trace where it has one that is open. What was skipped there is decided anew. */
export async function graphMoved(em: SqlEntityManager, move: GraphMove, trace: AgentTrace | null): Promise<void> {
  const { taskId, to } = move;
  await em.nativeUpdate(Task, { id: taskId }, { graphId: to });
  if (trace !== null) {
    await em.nativeUpdate(AgentTrace, { id: trace.id }, { graphId: to, nextGraphId: null });
    await em.nativeDelete(AgentRun, { traceId: trace.id, status: 'skipped' });
  }
  await note(em, move, 'task.moved');
}

/** Takes the wish back. */
export async function graphMoveDropped(
  em: SqlEntityManager,
  move: GraphMove,
  { trace, breaks }: { readonly trace: AgentTrace; readonly breaks: Break },
): Promise<void> {
  await em.nativeUpdate(AgentTrace, { id: trace.id }, { nextGraphId: null });
  await note(em, move, 'task.move_dropped', { ...breaks });
}

function note(em: SqlEntityManager, move: GraphMove, action: string, more: JsonObject = {}): Promise<void> {
  const { tenant, actor, taskId: subjectId, from, to } = move;
  const details = { from, to, ...more };
  return runPart(em, auditRowsFrom(null, { tenant, actor, action, subjectType: 'task', subjectId, details }));
}
