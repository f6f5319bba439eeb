import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import type { Transaction } from '../../database/transaction.ts';
import type {
  AgentId,
  ApprovalId,
  GrantId,
  GraphId,
  LeaseId,
  MessageId,
  TaskId,
  TenantId,
  TraceId,
  WaitId,
} from '../../domain/ids.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { ENTITIES as entities } from '../../entities/index.ts';

/** Ids of the rows that {@link insertSampleRows} writes. */
export interface SampleIds {
  readonly tenantId: TenantId;
  readonly agentId: AgentId;
  readonly graphId: GraphId;
  readonly taskId: TaskId;
  readonly traceId: TraceId;
  readonly componentIds: readonly [string, string];
}

export function sampleIds(tenant: string): SampleIds {
  return {
    tenantId: tenant as TenantId,
    agentId: uuid() as AgentId,
    graphId: uuid() as GraphId,
    taskId: uuid() as TaskId,
    traceId: uuid() as TraceId,
    componentIds: [uuid(), uuid()],
  };
}

/** Only system work takes slots: a tenant could fill those of another. */
export function insertSampleSlot(tx: Transaction, { tenantId, taskId }: SampleIds): Promise<void> {
  tx.em.create(entities.ConcurrencySlot, { key: `key:${tenantId}/sample`, slot: 1, taskId, tenantId, fence: 1 });
  return tx.em.flush();
}

export const insertTenant = ({ em }: Transaction, tenant: string) =>
  sql`insert into muster.tenants (id) values (${tenant}) on conflict do nothing`.execute(em.getKysely());

export function graphRow(tx: Transaction, ids: SampleIds) {
  return tx.em.create(entities.AgentGraph, {
    id: ids.graphId,
    tenantId: ids.tenantId,
    name: `graph ${ids.graphId}`,
    version: 1,
    schemaVersion: 'v1',
    width: 4,
    output: { fields: {} },
    definitionHash: 'hash',
    taskQueue: 'muster',
  });
}

export function componentRow(tx: Transaction, ids: SampleIds, index: 0 | 1) {
  return tx.em.create(entities.AgentComponent, {
    id: ids.componentIds[index],
    tenantId: ids.tenantId,
    graphId: ids.graphId,
    nodeId: `node-${index}`,
    componentType: 'agent',
    handler: 'handler',
    objective: 'objective',
    position: index,
    configuration: { input: { fields: {} }, condition: null },
    timeoutMs: 1000,
    maxRetries: 1,
    inputTokens: 10,
    outputTokens: 10,
  });
}

export function connectionRow(tx: Transaction, ids: SampleIds) {
  return tx.em.create(entities.ComponentConnection, {
    id: uuid(),
    tenantId: ids.tenantId,
    graphId: ids.graphId,
    sourceComponentId: ids.componentIds[0],
    targetComponentId: ids.componentIds[1],
    connectionType: 'default',
  });
}

export function taskRow(
  tx: Transaction,
  ids: SampleIds,
  more: { id?: TaskId; status?: TaskStatus; userId?: string; idempotencyKey?: string } = {},
) {
  const { id = ids.taskId, status = 'pending' } = more;
  return tx.em.create(entities.Task, {
    id,
    tenantId: ids.tenantId,
    graphId: ids.graphId,
    graphName: 'graph',
    taskQueue: 'muster',
    title: 'title',
    requestHash: 'hash',
    status,
    completedAt: isTerminalTaskStatus(status) ? new Date() : null,
    userId: more.userId ?? null,
    idempotencyKey: more.idempotencyKey ?? null,
  });
}

/** What agents of a tenant may do, and what they and nodes wait for. */
function insertSampleRules(tx: Transaction, { tenantId, taskId, traceId }: SampleIds): void {
  const call = { tenantId, taskId, traceId, path: 'node-0', step: 1, index: 0 };
  const grantId = uuid() as GrantId;
  tx.em.create(entities.Grant, { tenantId, id: grantId, agent: 'agent', tool: 'tool', grantedBy: 'a' });
  tx.em.create(entities.GrantUse, { ...call, grantId });
  tx.em.create(entities.ToolPolicyRow, { tenantId, version: 1, changedBy: 'a' });
  const offered = { description: '', risk: 'high_risk', effect: 'unsafe', timeoutMs: 1 } as const;
  tx.em.create(entities.OfferedToolRow, { tenantId, name: `tool-${uuid()}`, ...offered });
  tx.em.create(entities.ToolSourceRow, { tenantId, name: `source-${uuid()}`, state: 'ready', process: 'a process' });
  const request = { arguments: {}, risk: 'high_risk', onBehalfOf: [], reason: 'b' } as const;
  tx.em.create(entities.Approval, {
    ...call,
    id: uuid() as ApprovalId,
    agent: 'agent',
    tool: 'tool',
    request,
    digest: 'hash',
    policyVersion: 1,
    expiresAt: new Date(),
  });
  const wait = { tenantId, taskId, traceId, path: 'node-0', kind: 'message', name: 'paid' } as const;
  tx.em.create(entities.RunWait, { ...wait, id: uuid() as WaitId });
  tx.em.create(entities.TaskMessage, { tenantId, taskId, name: 'paid', sentBy: 'a' });
}

/** Writes a tenant with one row at least in each of its tables. */
export async function insertSampleRows(tx: Transaction, ids: SampleIds): Promise<void> {
  const { tenantId, agentId, graphId, taskId, traceId } = ids;
  const other = uuid() as TaskId;
  await insertTenant(tx, tenantId);
  tx.em.create(entities.Agent, { id: agentId, tenantId, name: 'agent', type: 'worker' });
  tx.em.create(entities.AgentHeartbeat, { agentId, tenantId, workerId: 'worker', beatAt: new Date() });
  graphRow(tx, ids);
  componentRow(tx, ids, 0);
  componentRow(tx, ids, 1);
  connectionRow(tx, ids);
  tx.em.create(entities.ComponentTemplate, { tenantId, name: uuid(), componentType: 'prompt' });
  tx.em.create(entities.AgentTemplate, { tenantId, name: uuid(), document: {} });
  taskRow(tx, ids);
  taskRow(tx, ids, { id: other });
  await tx.em.flush();
  tx.em.create(entities.TaskDependency, { taskId, dependsOnTaskId: other, tenantId });
  const origin = { originTaskId: other, originTraceId: uuid() as TraceId, originNumber: 1, atPath: 'node-0' };
  tx.em.create(entities.TaskFork, { taskId, tenantId, ...origin, nextTraceId: uuid() as TraceId });
  const sha256 = '0'.repeat(64);
  const content = Buffer.from('text');
  tx.em.create(entities.Artifact, {
    id: uuid() as never,
    tenantId,
    taskId,
    name: 'a',
    mediaType: 'text/plain',
    sha256,
    sizeBytes: 4,
    content,
  });
  tx.em.create(entities.AgentTrace, {
    id: traceId,
    tenantId,
    taskId,
    number: 1,
    graphId,
    workflowId: `task/${taskId}/1`,
  });
  tx.em.create(entities.ActivityEffect, {
    tenantId,
    effectKey: 'key',
    taskId,
    state: 'pending',
    requestHash: 'hash',
    attempt: 1,
  });
  tx.em.create(entities.OutboxEntry, { tenantId, topic: 'task.submitted', taskId });
  tx.em.create(entities.OperationKey, { tenantId, operation: 'a.b', key: uuid(), requestHash: 'hash' });
  tx.em.create(entities.Budget, { tenantId, scope: `user:${uuid()}`, level: 2 });
  const reserved = { tokens: 1, costMicros: 1, steps: 1, state: 'held' as const, process: 'a process' };
  tx.em.create(entities.BudgetReservation, { tenantId, key: uuid(), scopes: ['tenant'], ...reserved });
  tx.em.create(entities.CanaryRow, { tenantId, name: `canary-${uuid()}` });
  const evaluation = { name: 'set', graphId: ids.graphId, graphName: 'a', graphVersion: 1, definitionHash: uuid() };
  const definition = { name: 'set', graph: 'a', cases: [], scorers: {} };
  const run = tx.em.create(entities.EvalRun, { tenantId, id: uuid(), ...evaluation, definition });
  tx.em.create(entities.EvalScore, { tenantId, runId: run.id, case: 'one', scorer: 'exact', score: 1 });
  const required = { eval: 'set', definitionHash: uuid(), scorer: 'exact', atLeast: 0.5 };
  tx.em.create(entities.GraphRequirement, { tenantId, graphName: uuid(), ...required });
  const conversationId = `desk-${uuid()}`;
  tx.em.create(entities.Conversation, { tenantId, id: conversationId, graphName: 'a' });
  tx.em.create(entities.ConversationTurn, {
    tenantId,
    conversationId,
    number: 1,
    text: 'hello',
    graphName: 'a',
  });
  tx.em.create(entities.ProviderKey, { tenantId, provider: `p-${uuid()}`, secret: 'enc:v1:AAAA' });
  const place = { tenantId, traceId, path: 'node-0', step: 1, taskId, agent: 'agent' };
  const made = { requestHash: 'hash', claim: uuid(), process: 'a process' };
  tx.em.create(entities.ModelCall, { ...place, ...made, model: 'default', state: 'pending' });
  tx.em.create(entities.ToolCall, { ...place, index: 0, tool: 'a', callId: 'b', digest: 'hash', state: 'asked' });
  tx.em.create(entities.AuditEntry, {
    id: uuid(),
    tenantId,
    actor: 'a',
    action: 'b',
    subjectType: 'task',
    subjectId: taskId,
  });
  tx.em.create(entities.AgentLease, {
    id: uuid() as LeaseId,
    tenantId,
    process: 'a process',
    publicKey: 'a key',
    fence: 1,
  });
  tx.em.create(entities.AgentMessage, {
    id: uuid() as MessageId,
    timestamp: new Date(),
    tenantId,
    fromAgentId: agentId,
    toAgentId: agentId,
    messageType: 'event',
    payload: {},
  });
  await tx.em.flush();
  insertSampleRules(tx, ids);
  tx.em.create(entities.AgentRun, { id: uuid(), tenantId, traceId, nodeId: 'node-0', agent: 'agent', kind: 'agent' });
  tx.em.create(entities.TraceEvent, { traceId, seq: 1, tenantId, type: 'trace.started' });
  await tx.em.flush();
}
