import type { Json } from '../json.ts';
import type { Comparison } from './definition.ts';

/** A JSON Pointer into the task's input or into the output of one of the named nodes. */
export type PointerTo<Names extends string> =
  | '/task'
  | `/task/${string}`
  | `/nodes/${Names}`
  | `/nodes/${Names}/${string}`;

/**
 * The source of one value: a pointer, which makes its node a required dependency; an `optional` pointer, which gives
 * null if the node failed or was skipped; the `first` of 2 to 16 pointers that has a value, whose nodes may fail or be
 * skipped; or a literal value.
 */
export type SourceSpec<Names extends string> =
  | PointerTo<Names>
  | { readonly pointer: PointerTo<Names>; readonly optional?: boolean }
  | { readonly first: readonly PointerTo<Names>[]; readonly optional?: boolean }
  | { readonly value: Json };

/** A condition over pointers; see {@link Condition}. */
export type ConditionSpec<Names extends string> = ConditionOver<PointerTo<Names>>;

/** A condition over the output of a round: its pointers begin with `/output`. */
export type UntilSpec = ConditionOver<'/output' | `/output/${string}`>;

type ConditionOver<Pointer extends string> =
  | { readonly pointer: Pointer; readonly is: Comparison; readonly value?: Json }
  | { readonly all: readonly ConditionOver<Pointer>[] }
  | { readonly any: readonly ConditionOver<Pointer>[] }
  | { readonly not: ConditionOver<Pointer> };
