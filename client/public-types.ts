import type { TaskStatus } from '../domain/tasks/task-status.ts';
import type { OpenClientOptions } from './open-stores.ts';
import type { TaskHandle } from './task-handle.ts';

export type { DeadLetter } from '../entities/tasks/dead-letter-repository.ts';
export type { AgentView } from '../operations/agents/list.ts';
export type { AppendOptions } from '../operations/conversations/append.ts';
export type { ConversationView, ConversationWithTurns } from '../operations/conversations/view.ts';
export type { EvalWithScores } from '../operations/evals/view.ts';
export type {
  BandView,
  ConcurrencyLimitView,
  IndexState,
  QueueView,
  TenantView,
} from '../operations/queue/queue-view.ts';
export type { LimitOptions } from '../operations/queue/settings.ts';
export type { DeadListOptions } from '../operations/tasks/list.ts';
export type { RedriveAll, RedrivenView, RedriveOptions, RedriveReport } from '../operations/tasks/redrive.ts';
export type { SubmitItem, SubmitOptions } from '../operations/tasks/submit-options.ts';
export type { ComparedTrace, DiffInput, TraceDiff } from '../operations/traces/diff.ts';
export type { ForkOptions } from '../operations/traces/fork-words.ts';
export type { ConnectedAgent } from './connect-agent.ts';
export type { Conversation, SaidInput } from './conversation-handle.ts';
export type { EvaluateOptions } from './evaluate.ts';
export type { LimitCall, Limits, TierHolder } from './limits.ts';
export type { BroadcastReceipt, Messages } from './messages.ts';
export type { ConnectAgentOptions } from './options.ts';
export type {
  EventOptions,
  Fork,
  TaskEvent,
  TaskHandle,
  TaskResult,
  TaskView,
  TextEvent,
  WhyView,
} from './task-handle.ts';

/** Where Muster's services are, and for which tenant a program acts. */
export type ConnectOptions = OpenClientOptions;

/** A task that was just submitted, or found again under its key. */
export interface SubmittedTask extends TaskHandle {
  readonly status: TaskStatus;
  /** True when the key was known: nothing was written, and this is the task of the first submit. */
  readonly duplicate: boolean;
}
