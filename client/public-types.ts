import type { AgentHealth } from '../domain/agents/health.ts';
import type { TaskStatus } from '../domain/tasks/task-status.ts';
import type { AgentRecord } from '../entities/agents/agent-repository.ts';
import type { OpenClientOptions } from './open-stores.ts';
import type { TaskHandle } from './task-handle.ts';

export type { ConnectAgentOptions, ConnectedAgent } from './connect-agent.ts';
export type {
  DeadLetter,
  DeadListOptions,
  RedriveAll,
  RedrivenView,
  RedriveOptions,
  RedriveReport,
} from './dead-letters.ts';
export type { LimitCall, Limits, TierHolder } from './limits.ts';
export type { BroadcastReceipt, Messages } from './messages.ts';
export type { LimitOptions } from './options/queue-options.ts';
export type { BandView, ConcurrencyLimitView, IndexState, QueueView, TenantView } from './queue-view.ts';
export type { SubmitItem } from './submit.ts';
export type { SubmitOptions } from './submit-options.ts';
export type { TaskEvent, TaskHandle, TaskResult, TaskView } from './task-handle.ts';

/** Where Muster's services are, and for which tenant a program acts. */
export type ConnectOptions = OpenClientOptions;

/** A task that was just submitted, or found again under its key. */
export interface SubmittedTask extends TaskHandle {
  readonly status: TaskStatus;
  /** True when the key was known: nothing was written, this is the task of the first submit. */
  readonly duplicate: boolean;
}

/** An agent, and what the age of its last heartbeat says. */
export interface AgentView extends AgentRecord {
  readonly health: AgentHealth;
}
