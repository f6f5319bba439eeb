import type { BudgetLimits, WhenExhausted } from '../../domain/budgets/amounts.ts';
import type { Lineage } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type { StoredValue } from '../traces/artifact-repository.ts';

/** A task as a submit hands it over; everything is already checked. */
export interface NewTask {
  readonly id: TaskId;
  readonly tenant: TenantId;
  readonly graphId: string;
  readonly graphName: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly priority: number;
  readonly userId: string | null;
  /** Null for the one of its parent, if it has one. */
  readonly conversation: string | null;
  readonly idempotencyKey: string | null;
  /** Hash of graph and input: tells a repeated submit from a different one under the same key. Empty without a key. */
  readonly requestHash: string;
  readonly input: StoredValue;
  /** What it counts against while it is open, see `domain/queues/concurrency-keys.ts`. */
  readonly concurrencyKeys: readonly string[];
  readonly startAfter: Date | null;
  readonly dueDate: Date | null;
  readonly deadlineAt: Date | null;
  readonly recurrence: JsonObject | null;
  /** Tasks that must be completed before it starts. */
  readonly dependsOn: readonly TaskId[];
  /** Absent without limits. */
  readonly budget?: BudgetLimits;
  /** What becomes of its runs that find no room in its budget. @defaultValue 'end' */
  readonly whenExhausted?: WhenExhausted;
  /** The task that spawned it; absent for one that a program submitted. */
  readonly parent?: TaskId;
  /** What it has above it, where it was spawned and counted before it is written; absent otherwise. */
  readonly lineage?: Lineage;
  /** The thinking agent whose tool spawned it; absent for none. */
  readonly agent?: string;
  /** Absent until it is written: see `Task.actsFor`. */
  readonly actsFor?: readonly string[];
}

/** What PostgreSQL made of a new task. */
export interface WrittenTask {
  readonly id: TaskId;
  readonly status: TaskStatus;
  /** By PostgreSQL's clock, in milliseconds since 1970: the task's place in every queue. */
  readonly createdAtMs: number;
}

/** A task that stood there before, under the same id or the same idempotency key. */
export interface KnownTask extends WrittenTask {
  readonly idempotencyKey: string | null;
  readonly requestHash: string;
}
