/** Who claims, and what it can carry out. */
export interface Claimant {
  readonly workerId: string;
  readonly taskQueue: string;
  /** The handlers that it hosts, as `kind:name`. Tasks of graphs that need others stay where they are. */
  readonly handlers: readonly string[];
}

/** Which of the tasks that could start come first; `urgent`: those of the high band, and no others. */
export type ReadyTurn = 'highest' | 'lowest' | 'longest' | 'urgent';
