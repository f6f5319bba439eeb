import type { SecretBox } from '../database/secret-box.ts';
import type { Database } from '../database/transaction.ts';
import type { Handler } from '../domain/agents/handler.ts';
import type { TenantId } from '../domain/ids.ts';
import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import type { WorkflowHistory } from '../domain/traces/workflow-history.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import type { OnceKeys } from '../redis/limits/once.ts';
import type { ProcessSlots } from '../redis/limits/process-slots.ts';
import type { RateLimiter } from '../redis/limits/rate-limiter.ts';
import type { LiveTexts } from '../redis/live-texts.ts';
import type { ModelHealthBoard } from '../redis/model-health-board.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import type { TaskProgress } from '../workflows/tasks/task-messages.ts';
import type { Permission } from './caller.ts';
import type { ConversationTurns } from './conversations/conversation-turns.ts';
import type { GraphCache } from './graphs/graph-cache.ts';
import type { Voice } from './messages/voice.ts';
import type { RecordLog } from './record/recording.ts';
import type { Submitter } from './tasks/submitter.ts';

/** What operations work on. A program opens it once, for all of its callers. */
export interface Stores {
  readonly database: Database;
  /** Hears that an operation was carried out and its trace could not be written. */
  readonly log: RecordLog;
  readonly graphs: GraphCache;
  /** The agents and tools whose code this process has, by `kind:name`. */
  readonly hosted: ReadonlyMap<string, Handler>;
  /** Encrypts what is stored and must not be read there. */
  readonly secrets: Pick<SecretBox, 'seal'>;
  /** The task queue of graphs that name none. */
  readonly defaultTaskQueue: string;
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly wakeUps: Pick<WakeUps, 'publishTask'>;
  readonly workflows: TaskWorkflows;
  readonly rateLimits: RateLimits;
  readonly modelHealth: Pick<ModelHealthBoard, 'read'>;
  readonly liveTexts: Pick<LiveTexts, 'read'>;
  readonly onceKeys: Pick<OnceKeys, 'once' | 'cooldown'>;
  readonly slotsOf: (tenant: TenantId) => Pick<ProcessSlots, 'acquire' | 'renew' | 'release'>;
  /** What it takes to name an operation as the tool of a node; null for a name that no operation has. */
  readonly permissionOf: (operation: string) => Permission | null;
  /** What continues conversations. */
  readonly turns: ConversationTurns;
  readonly submitterOf: (tenant: TenantId) => Submitter;
  readonly voiceOf: (tenant: TenantId) => Voice;
  /** Asks each store for an answer. */
  readonly pings: Readonly<Record<StoreName, () => Promise<unknown>>>;
}

/** What a program keeps its state in. */
export type StoreName = 'postgresql' | 'redis' | 'temporal';

/** The rate limits, and their settings as this program knows them. */
export interface RateLimits
  extends Pick<RateLimiter, 'take' | 'check' | 'reserve' | 'settle' | 'status' | 'reset' | 'counters'> {
  /** Whether a limit of this name is set: what has none is not asked for. */
  isSet(name: string): boolean | Promise<boolean>;
  /** Settings that this program has just stored, so that they count here at once. */
  remember(settings: LimitSettings): void;
}

/**
 * The workflows of running tasks. Null where there is none: it is just starting, or has ended.
 * @throws TemporalUnreachable
 */
export interface TaskWorkflows {
  cancel(task: TaskRecord): Promise<true | null>;
  terminate(task: TaskRecord, reason: string): Promise<true | null>;
  pause(task: TaskRecord): Promise<true | null>;
  resume(task: TaskRecord): Promise<true | null>;
  approvalDecided(task: TaskRecord, approvalId: string): Promise<true | null>;
  waitEnded(task: TaskRecord, waitId: string): Promise<true | null>;
  moving(task: TaskRecord): Promise<true | null>;
  progress(task: TaskRecord): Promise<TaskProgress | null>;
  /** What Temporal has kept of a workflow. */
  history(workflowId: string): Promise<WorkflowHistory | null>;
}
