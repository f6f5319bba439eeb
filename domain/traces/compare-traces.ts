import type { Outcome } from '../graphs/kinds.ts';
import type { Json } from '../json.ts';
import { type Difference, firstDifference } from './canonical.ts';
import type { RunPath } from './path.ts';
import type { RunStatus } from './trace-status.ts';

/** A run with what it came to and what it used. */
export interface ComparedRun {
  readonly path: RunPath;
  readonly status: RunStatus;
  readonly outcome: Outcome | null;
  readonly output: Json;
  /** The code of its error; null without one. */
  readonly error: string | null;
  readonly tokens: number;
  readonly costMicros: number;
  /** How long it took; null where it has not begun, has not ended, or was taken over. */
  readonly ms: number | null;
  /** Whether its trace has only taken it over. */
  readonly takenOver: boolean;
}

/** What became of one run in two traces. */
export interface RunComparison {
  readonly path: RunPath;
  /** Null where the trace has no such run. */
  readonly one: Omit<ComparedRun, 'path' | 'output'> | null;
  readonly other: Omit<ComparedRun, 'path' | 'output'> | null;
  /** Whether both came to the same: status, outcome, code of the error, output. */
  readonly same: boolean;
  /** Where their outputs differ first; null where they do not, or one has none. */
  readonly output: Difference | null;
}

/** Compares the runs of two traces, in the order of the first one, then what only the other has. */
export function compareRuns(one: readonly ComparedRun[], other: readonly ComparedRun[]): readonly RunComparison[] {
  const left = new Map(one.map((run) => [run.path, run]));
  const right = new Map(other.map((run) => [run.path, run]));
  return [...new Set([...left.keys(), ...right.keys()])].map((path) =>
    comparison(path, left.get(path), right.get(path)),
  );
}

function comparison(path: RunPath, one?: ComparedRun, other?: ComparedRun): RunComparison {
  const output = one === undefined || other === undefined ? null : firstDifference(one.output, other.output);
  const same = output === null && endOf(one) === endOf(other);
  return { path, one: shown(one), other: shown(other), same, output };
}

function endOf(run: ComparedRun | undefined): string {
  return JSON.stringify([run?.status, run?.outcome, run?.error]);
}

function shown(run: ComparedRun | undefined): RunComparison['one'] {
  if (run === undefined) return null;
  const { path: _, output: __, ...facts } = run;
  return facts;
}
