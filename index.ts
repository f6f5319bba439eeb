/**
 * The public entry: what a program imports from 'muster'. The worker's side is 'muster/worker'.
 */
export {
  type ConnectOptions,
  connect,
  Muster,
  type QueueView,
  type SubmitOptions,
  type SubmittedTask,
  type TaskEvent,
  type TaskHandle,
  type TaskResult,
  type TaskView,
} from './client.ts';
export { defineAgent } from './domain/agents/define-agent.ts';
export { defineTool } from './domain/agents/define-tool.ts';
export type { EffectRequest, Handler, HandlerContext, Schema } from './domain/agents/handler.ts';
export { ERROR_CODES, type ErrorCode, hasErrorCode, MusterError } from './domain/errors.ts';
export { defineGraph, type Graph } from './domain/graphs/define-graph.ts';
export type { Json, JsonObject } from './domain/json.ts';
