import type { Json } from '../json.ts';
import type { RecordedEnd, RecordedRun } from '../traces/canonical.ts';
import type { RunPath } from '../traces/path.ts';
import type { ContainerNode, GraphNode } from './definition.ts';
import type { ContainerFault } from './kinds/kind-rules.ts';
import type { GraphDocument } from './read-source.ts';
import type { Step } from './run-state.ts';
import type { documentIn, innerOutputs } from './scope.ts';

/** Inner graphs of a container that are about to begin, by their numbers; see `operations/graphs/inner-inputs.ts`. */
export type InnerCheck = (
  node: ContainerNode,
  document: GraphDocument,
  beginning: { readonly from: number; readonly size: number; readonly previous: Json },
) => ContainerFault | null;

export interface ReplayOptions {
  /**
   * Whether pure nodes and containers of which the record holds nothing are carried out too: for a trace that has more to
   * come, or a graph that it was not recorded of. @defaultValue whether the trace has not ended
   */
  readonly beyond?: boolean;
  /** Holds the inputs of inner graphs to their schemas. @defaultValue any input suits */
  readonly checkInner?: InnerCheck;
  /** Asked first about every step but the turn of a container in which something failed. @defaultValue supposes nothing */
  readonly suppose?: Suppose;
}

/** What is supposed of a step: how the run ends, or null where the rules decide. */
export type Suppose = (node: GraphNode, step: SupposedStep) => RecordedRun | null;

/** A step that something may be supposed of. */
export interface SupposedStep {
  readonly phase: Step['phase'];
  /** How many inner graphs a container has by now. */
  readonly size: number;
  /** The document that the node reads. */
  document(): ReturnType<typeof documentIn>;
  /** The outputs that a container's turn reads. */
  outputs(): ReturnType<typeof innerOutputs>;
}

/** A run as it comes out of the replay. */
export interface ReplayedRun extends RecordedRun {
  /** `rules`: it was evaluated anew. `record`: its end was taken over, because code, a model or a person made it. */
  readonly by: 'rules' | 'record';
  /** What it is given; absent for a run that takes nothing, and where that cannot be made. */
  readonly input?: Json;
}

/**
 * Why a record does not fit a graph. `unknown_run`: the graph has no such node. `performer_changed`: another agent, tool or
 * kind of node is in its place. `input_missing`: it ended well, and what it reads is not there. `end_changed`: evaluated
 * anew it ends otherwise. `never_ready`: it began, and the graph would not have let it. `not_recorded`: the graph lets it
 * run, and the record says that it did not.
 */
export type DivergenceReason =
  | 'unknown_run'
  | 'performer_changed'
  | 'input_missing'
  | 'end_changed'
  | 'never_ready'
  | 'not_recorded';

export interface Divergence {
  readonly path: RunPath;
  readonly reason: DivergenceReason;
  /** One sentence. */
  readonly message: string;
}

/** What a record comes to under the rules of a graph. */
export interface Replayed {
  /** In the order of their ends; runs that ran side by side and failed come last. */
  readonly runs: readonly ReplayedRun[];
  /** Runs that may begin now and of which the record holds no end, in the order of the definition. */
  readonly open: readonly RunPath[];
  /** Null where not every run has ended. */
  readonly end: RecordedEnd | null;
  /** In the order in which they were met; none where record and graph agree. */
  readonly divergences: readonly Divergence[];
}
