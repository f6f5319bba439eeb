import { defineEntity, p, raw } from '@mikro-orm/core';
import type { AgentId, ArtifactId, GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { ModelChoice } from '../../domain/models/model-messages.ts';
import { PRIORITY_RANGE } from '../../domain/tasks/priority.ts';
import {
  isWaitingTaskStatus,
  OPEN_TASK_STATUSES,
  TASK_STATUSES,
  TERMINAL_TASK_STATUSES,
} from '../../domain/tasks/task-status.ts';
import { Agent } from '../agents/agent.ts';
import { oneOf, within } from '../checks.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { AgentGraph } from '../graphs/agent-graph.ts';

const open = oneOf('status', OPEN_TASK_STATUSES);

const schema = defineEntity({
  name: 'Task',
  tableName: 'tasks',
  properties: {
    id: p.uuid().$type<TaskId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    graphId: () => keyOf(AgentGraph, 'graph_id').$type<GraphId>(),
    graphName: p.string().length(255),
    taskQueue: p.text(),
    title: p.string().length(500),
    description: p.text().nullable(),
    status: p.enum(TASK_STATUSES).default('pending'),
    priority: p.smallint().default(PRIORITY_RANGE.default).check(within('priority', PRIORITY_RANGE)),
    userId: p.text().nullable(),
    /** The conversation that it belongs to; null for none. */
    conversation: p.text().nullable().check('length(conversation) >= 1 and length(conversation) <= 200'),
    idempotencyKey: p.text().nullable().check('length(idempotency_key) >= 1 and length(idempotency_key) <= 255'),
    /** Hash of what was submitted under a key: the same key with another request is a conflict. Empty without a key. */
    requestHash: p.text(),
    input: p.json<JsonObject>().nullable(),
    inputArtifactId: p.uuid().$type<ArtifactId>().nullable(),
    output: p.json<Json>().nullable(),
    outputArtifactId: p.uuid().$type<ArtifactId>().nullable(),
    error: p.json<JsonObject>().nullable(),
    /** Grows with every claim, and when the task leaves a shared execution; a write that carries an older one is refused. */
    fence: p.bigint('number').default(0),
    traceCount: p.integer().default(0),
    /** The first trace whose recorded effects count: a redrive that repeats effects moves it on. */
    effectsSince: p.integer().default(1),
    claimedBy: p.text().nullable(),
    claimedAt: moment().nullable(),
    cancelRequestedAt: moment().nullable(),
    /** When it was claimed, or last compared with Temporal. */
    checkedAt: moment().nullable(),
    /** Not to be started before; null for at once. */
    startAfter: moment().nullable(),
    /**
     * Since when it is held back until a resume: before its start, or, while a shared execution carries it, before its next
     * step. Null otherwise: one that is paused in an execution of its own has the status `paused`.
     */
    heldAt: moment().nullable(),
    /** When it should have ended: later it is overdue, which nothing stops. */
    dueDate: moment().nullable(),
    /** When it must have ended: later it fails. */
    deadlineAt: moment().nullable(),
    /** What it counts against while it is open, see `domain/queues/concurrency-keys.ts`. */
    concurrencyKeys: p.array().columnType('text[]').defaultRaw("'{}'"),
    recurrence: p.json<JsonObject>().nullable(),
    /** The task whose end created this one; null for what was submitted. */
    predecessorId: p.uuid().$type<TaskId>().nullable(),
    /** The agents whose tools spawned it, at any depth: its agents may do what all of these may. Null for none. */
    actsFor: p.array().columnType('text[]').nullable(),
    /** Which model its thinking runs call, and at which provider, in the place of their own; null for their own. */
    modelChoice: p.json<ModelChoice>().nullable(),
    startedAt: moment().nullable(),
    completedAt: moment().nullable(),
    deadLetteredAt: moment().nullable(),
    deadLetterReason: p.text().nullable(),
    budget: p.json<JsonObject>().defaultRaw("'{}'"),
    /** The digest of the file that it was imported from; null for one that ran here. */
    importedFrom: p.text().nullable().check("imported_from ~ '^[0-9a-f]{64}$'"),
    /** When it was imported; null for one that ran here. Retention counts from then. */
    importedAt: moment().nullable(),
    createdBy: () => p.manyToOne(Agent).mapToPk().$type<AgentId>().fieldName('created_by').nullable().index(false),
    assignedTo: () => p.manyToOne(Agent).mapToPk().$type<AgentId>().fieldName('assigned_to').nullable().index(false),
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
    createdAt: createdAt(),
    updatedAt: moment().defaultRaw('now()'),
  },
  uniques: [
    { name: 'tasks_tenant_id_unique', properties: ['tenantId', 'id'] },
    {
      name: 'tasks_idempotency_unique',
      properties: ['tenantId', 'idempotencyKey'],
      where: 'idempotency_key is not null',
    },
    {
      name: 'tasks_imported_unique',
      properties: ['tenantId', 'importedFrom'],
      where: 'imported_from is not null',
    },
    { name: 'tasks_predecessor_unique', properties: ['predecessorId'], where: 'predecessor_id is not null' },
  ],
  indexes: [
    {
      name: 'tasks_claim_index',
      properties: ['taskQueue', 'priority', 'createdAt', 'id'],
      where: "status = 'pending'",
    },
    {
      name: 'tasks_user_waiting_index',
      properties: ['tenantId', 'userId', 'createdAt'],
      where: "status = 'pending' and user_id is not null",
    },
    {
      name: 'tasks_tenant_status_index',
      columns: [{ name: 'tenantId' }, { name: 'status' }, { name: 'createdAt', sort: 'DESC' }],
      properties: ['tenantId', 'status', 'createdAt'],
    },
    { name: 'tasks_checked_index', properties: ['checkedAt'], where: open },
    { name: 'tasks_occupying_index', properties: ['checkedAt', 'claimedBy'], where: "status = 'in_progress'" },
    { name: 'tasks_ended_index', properties: ['completedAt'], where: 'completed_at is not null' },
    {
      name: 'tasks_start_after_index',
      properties: ['startAfter'],
      where: "status = 'deferred' and start_after is not null",
    },
    { name: 'tasks_blocked_index', properties: ['createdAt'], where: "status = 'blocked'" },
    {
      name: 'tasks_deadline_index',
      properties: ['deadlineAt'],
      where: 'deadline_at is not null and completed_at is null',
    },
    {
      name: 'tasks_cancel_requested_index',
      properties: ['cancelRequestedAt'],
      where: 'cancel_requested_at is not null and completed_at is null',
    },
    {
      name: 'tasks_due_index',
      properties: ['tenantId', 'dueDate'],
      where: 'due_date is not null and completed_at is null',
    },
    {
      name: 'tasks_recurring_index',
      properties: ['completedAt'],
      where: 'recurrence is not null and completed_at is not null',
    },
    {
      name: 'tasks_conversation_index',
      properties: ['tenantId', 'conversation', 'id'],
      where: 'conversation is not null',
    },
    { name: 'tasks_dead_index', properties: ['tenantId', 'deadLetteredAt'], where: 'dead_lettered_at is not null' },
  ],
  checks: [
    {
      name: 'tasks_completed_check',
      expression: `(completed_at is not null) = (${oneOf('status', TERMINAL_TASK_STATUSES)})`,
    },
    { name: 'tasks_dead_letter_check', expression: "dead_lettered_at is null or status = 'failed'" },
  ],
});

/** The database's time, at which the transaction began. */
const now = () => raw<Date>('now()');

/**
 * A submitted request for work: one Temporal workflow at a time, one terminal state. Its methods change the object; the
 * unit of work that loaded it, locked, writes it. Moments are the database's.
 */
export class Task extends schema.class {
  /** Writes down the wish that it ends, and ends it if it waits. @returns whether it has ended */
  cancel(error: JsonObject): boolean {
    this.cancelRequestedAt ??= now();
    if (!isWaitingTaskStatus(this.status)) return false;
    this.status = 'cancelled';
    this.completedAt = now();
    this.error = error;
    return true;
  }

  /** Holds it back, before its start or in its shared execution, whatever it waits for. */
  hold(): void {
    this.heldAt ??= now();
    if (this.status === 'pending') this.status = 'deferred';
  }

  /** Undoes {@link hold}. @param isDue whether its time has come @returns whether it may start */
  release(isDue: boolean): boolean {
    this.heldAt = null;
    if (this.status === 'deferred' && isDue) this.status = 'pending';
    return this.status === 'pending';
  }
}
schema.setClass(Task);
