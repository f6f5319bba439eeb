/**
 * The named moments at which a fault test may stop a process. Each stands in the code exactly once, at the line after
 * which the named thing has happened.
 */
export const FAILPOINTS = [
  /** A turn of the dispatcher has begun; it has looked for nothing yet. */
  'before_lease',
  /** Tasks are claimed in PostgreSQL; their jobs are still leased in Redis. */
  'after_claim_before_acknowledge',
  /** A task is claimed, and its job out of the index; its workflow is not started. */
  'after_claim_before_start',
  /** A workflow is started; the dispatcher has not noted it. */
  'after_start_before_answer',
  /** A node's attempt is written as running; its handler has not been called. */
  'after_begin_before_handler',
  /** An effect has happened outside; the ledger does not know. */
  'after_effect_before_record',
  /** A node's end is in PostgreSQL; Temporal does not know. */
  'after_end_before_report',
  /** A stretch of quick nodes is in PostgreSQL; the workflow does not know. */
  'after_stretch_before_report',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** Tells a process that it has come to a failpoint. In a normal run nothing listens. */
export type ReachFailpoint = (name: Failpoint) => Promise<void>;
export const NO_FAILPOINTS: ReachFailpoint = async () => {};
