import { isOpenCall, type ModelCallState, type ToolCallState } from './states.ts';

/** One step of a run, as far as its rows know. */
export interface StepSoFar {
  readonly step: number;
  readonly state: ModelCallState;
  /** Why its answer does not fit the agent's output; null for one that fits, or that calls tools. */
  readonly fault: string | null;
  readonly calls: readonly CallSoFar[];
}

export interface CallSoFar {
  readonly index: number;
  readonly state: ToolCallState;
}

/**
 * What comes next in a thinking run. `call`: a model call of this step. `tools`: these calls of its last step are open.
 * `output`: the answer of its last step is the output. `exhausted` and `invalid` end it.
 */
export type NextMove =
  | { readonly kind: 'call'; readonly step: number; readonly isLast: boolean }
  | { readonly kind: 'tools'; readonly step: number; readonly indexes: readonly number[] }
  | { readonly kind: 'output'; readonly step: number }
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'invalid'; readonly fault: string };

/** How often an answer that does not fit is sent back with its faults. */
const MAX_REPAIRS = 1;

/**
 * The loop of a thinking agent as a pure machine: from the rows of a run, in the order of their steps, to the next move. It
 * moves only forward: each step is called once, its tools are carried out, and there are at most `most` steps.
 */
export function nextMove(steps: readonly StepSoFar[], most: number): NextMove {
  const last = steps.at(-1);
  if (last === undefined) return callOf(1, most);
  if (last.state !== 'done') return callOf(last.step, most);
  const open = last.calls.filter(({ state }) => isOpenCall(state)).map(({ index }) => index);
  if (open.length > 0) return { kind: 'tools', step: last.step, indexes: open };
  if (last.calls.length === 0 && last.fault === null) return { kind: 'output', step: last.step };
  if (last.fault !== null && steps.filter(({ fault }) => fault !== null).length > MAX_REPAIRS) {
    return { kind: 'invalid', fault: last.fault };
  }
  return last.step >= most ? { kind: 'exhausted' } : callOf(last.step + 1, most);
}

function callOf(step: number, most: number): NextMove {
  return { kind: 'call', step, isLast: step >= most };
}

/** A tool call that is to be carried out. */
export interface DueCall {
  readonly index: number;
  /** The longest time of the tool, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether it changes nothing, so that it may run beside others. */
  readonly reads: boolean;
}

/** In which order calls are carried out: neighbours that only read run together, `most` at once; the others alone. */
export function groupsOf(calls: readonly DueCall[], most: number): readonly (readonly DueCall[])[] {
  const groups: DueCall[][] = [];
  for (const call of calls) {
    const last = groups.at(-1);
    const joins = call.reads && last?.[0]?.reads === true && last.length < most;
    if (joins) last.push(call);
    else groups.push([call]);
  }
  return groups;
}
