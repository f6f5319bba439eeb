import type { Graph } from './defined-graph.ts';
import type { EntityRule } from './definition.ts';

/** The properties of nodes that wait. */
interface WaitingSpec {
  /** After so many milliseconds the node fails: at most ten years. @defaultValue never; for an approval a day */
  readonly expiresMs?: number;
  readonly budget?: never;
}

export interface ApprovalSpec<Input> extends WaitingSpec {
  /** What a person is asked: 1 to 1,000 characters. */
  readonly approval: string;
  /** What they approve, and may change. */
  readonly input?: Input;
}

export interface WaitSpec<Source> extends WaitingSpec {
  readonly wait: AwaitedSpec<Source>;
  readonly input?: never;
}

/**
 * What a node waits for: a `message` that is sent to its task; an `event` that is published, of one `key` where it names
 * one; a time, `until` a moment such as `2027-01-31T09:00:00Z`, or `afterMs` milliseconds. A text that begins with `/` is a
 * pointer.
 */
export type AwaitedSpec<Source> =
  | { readonly for: 'message'; readonly name: string }
  | { readonly for: 'event'; readonly name: string; readonly key?: string | Source }
  | { readonly for: 'time'; readonly until: string | Source; readonly afterMs?: never }
  | { readonly for: 'time'; readonly afterMs: number | Source; readonly until?: never };

export interface CollectSpec<Input> extends WaitingSpec {
  readonly collect: CollectedSpec;
  /** What is known already, by the names of the entities. */
  readonly input?: Input;
}

export interface ChildSpec<Input> extends Omit<WaitingSpec, 'expiresMs'> {
  /** Run as a task of its own; its output is the node's output. By its name it may be a graph of another worker. */
  readonly child: Graph | string;
  /** The task's input. */
  readonly input?: Input;
}

/** One to fifty entities. By default one is required, and any text, number or boolean is an answer. */
export interface CollectedSpec {
  readonly entities: readonly (Pick<EntityRule, 'name'> & Partial<EntityRule>)[];
}
