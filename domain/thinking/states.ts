/** What stands as the process of a thinking run: its steps are carried out by many, each named in the row of its call. */
export const THINKING_PROCESS = 'thinking';

/**
 * The states of a model call. `pending`: it was made, and no answer is written. `left`: the worker that made it stopped
 * before the answer. `failed`: it gave none, and may be made again. `in_doubt`: nobody knows whether it was answered, and
 * the agent's policy is to stop.
 */
export const MODEL_CALL_STATES = ['pending', 'left', 'done', 'failed', 'in_doubt'] as const;
export type ModelCallState = (typeof MODEL_CALL_STATES)[number];

/**
 * The states of a tool call. `asked`, `waiting` (for a person) and `running` are open. `done`, `failed` and `denied` have a
 * result that the model reads. `in_doubt`: the process that made it died, and it must never be repeated
 * unless a person finds that it did not happen: then it is `failed`, otherwise `done`.
 */
export const TOOL_CALL_STATES = ['asked', 'waiting', 'running', 'done', 'failed', 'denied', 'in_doubt'] as const;
export type ToolCallState = (typeof TOOL_CALL_STATES)[number];

const OPEN_TOOL_CALLS: readonly ToolCallState[] = ['asked', 'waiting', 'running'];

/** Whether the model waits for the result of a tool call. */
export function isOpenCall(state: ToolCallState): boolean {
  return OPEN_TOOL_CALLS.includes(state);
}
