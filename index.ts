/**
 * The public entry: what a program imports from '@muster-run/muster'. The worker's side is '@muster-run/muster/worker'.
 */
export {
  type AgentView,
  type BandView,
  type BroadcastReceipt,
  type ConcurrencyLimitView,
  type ConnectAgentOptions,
  type ConnectedAgent,
  type ConnectOptions,
  connect,
  connectAgent,
  type DeadLetter,
  type DeadListOptions,
  type DiffInput,
  type EvaluateOptions,
  type EvalWithScores,
  type EventOptions,
  type Fork,
  type ForkOptions,
  type IndexState,
  type LimitCall,
  type Limits,
  type Messages,
  Muster,
  type QueueView,
  type RedriveAll,
  type RedrivenView,
  type RedriveOptions,
  type RedriveReport,
  type SubmitItem,
  type SubmitOptions,
  type SubmittedTask,
  type TaskEvent,
  type TaskHandle,
  type TaskResult,
  type TaskView,
  type TenantView,
  type TextEvent,
  type TierHolder,
  type TraceDiff,
  type WhyView,
} from './client.ts';
export { defineAgent, defineTool } from './domain/agents/define-handler.ts';
export type { EffectRequest, Handler, HandlerContext, Schema } from './domain/agents/handler.ts';
export type { RetryPolicy } from './domain/agents/retry-policy.ts';
export { ERROR_CODES, type ErrorCode, hasErrorCode, MusterError } from './domain/errors.ts';
export {
  defineEval,
  type EvalOptions,
  type Evaluation,
  type ScorerAnswer,
  type ScorerFunction,
  type ScorerHandler,
} from './domain/evals/define-eval.ts';
export type { EvalCase } from './domain/evals/evaluation.ts';
export { defineGraph } from './domain/graphs/define-graph.ts';
export type { Graph } from './domain/graphs/defined-graph.ts';
export type { Json, JsonObject } from './domain/json.ts';
export { type LimitDecision, type LimitReservation, limitHeaders } from './domain/limits/decision.ts';
export type { HandlerCall, HandlerLimits } from './domain/limits/handler-limits.ts';
export type { LimitSettings } from './domain/limits/limit-settings.ts';
export { gcra, type RateLimit, slidingLog } from './domain/limits/rate-limit.ts';
export type {
  HandlerMessages,
  Receive,
  ReceiveContext,
  ReceivedMessage,
  RequestOptions,
  SendOptions,
  SentBroadcast,
  SentMessage,
} from './domain/messaging/received-message.ts';
export type { QueueSettings } from './domain/queues/queue-settings.ts';
export type { Repeat } from './domain/tasks/recurrence.ts';
export { mcp } from './domain/tools/mcp.ts';
export { operation } from './operations/as-tool.ts';
export { defineTurn } from './turns/define-turn.ts';
export type { TurnCanary, TurnCritic, TurnOptions } from './turns/turn-options.ts';
