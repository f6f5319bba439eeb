import type { InputMapping } from '../../domain/graphs/definition.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import type { NextMove } from '../../domain/thinking/next-move.ts';
import type { StepRows } from '../../entities/thinking/statements/read-steps.ts';
import type { StoredValue } from '../../entities/traces/artifact-repository.ts';
import { inlineValue } from '../../operations/record/store-value.ts';
import type { Also } from '../tasks/settle-node.ts';

/** The run ends here, as failed. */
export interface StepEnds {
  readonly kind: 'ends';
  readonly failure: Failure;
  /** What it had come to. */
  readonly output?: StoredValue;
  readonly also?: Also;
}

/** How much of the last answer is kept where a run ends before its output. Characters. */
const MOST_PARTIAL = 10_000;

/** The input of a node that maps none. */
export const NO_INPUT: InputMapping = { fields: {} };

/** The end of a run that came to no output. What its model said last is kept. */
export function endOfMove(
  move: Extract<NextMove, { readonly kind: 'exhausted' | 'invalid' }>,
  rows: readonly StepRows[],
): StepEnds {
  const failure =
    move.kind === 'exhausted'
      ? {
          code: 'steps_exhausted',
          message: `It had no output after ${rows.length} steps. Raise limits.steps of the agent.`,
        }
      : { code: 'output_invalid', message: `Its answer did not fit, nor did the repaired one: ${move.fault}` };
  return { kind: 'ends', failure, ...partialOutput(rows) };
}

/** What a run had come to, as the output of a run that failed. */
export function partialOutput(rows: readonly StepRows[]): Pick<StepEnds, 'output'> {
  const said = rows.findLast(({ call }) => (call.answer?.text ?? '') !== '')?.call.answer?.text;
  const output = said === undefined ? null : inlineValue({ partial: said.slice(0, MOST_PARTIAL).toWellFormed() });
  return output === null ? {} : { output };
}
