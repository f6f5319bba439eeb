/**
 * The named moments at which a fault test may stop a process. Each appears in the code exactly once, at the line after
 * which the named event has happened.
 */
export const FAILPOINTS = [
  /** A turn of the dispatcher has begun and has not looked for tasks yet. */
  'before_lease',
  /** Tasks are claimed in PostgreSQL; their jobs are still leased in Redis. */
  'after_claim_before_acknowledge',
  /** A task is claimed, and its job out of the index; its workflow is not started. */
  'after_claim_before_start',
  /** A workflow is started; the dispatcher has not noted it. */
  'after_start_before_answer',
  /** A shared execution is started; the dispatcher has not noted it. */
  'after_shared_start_before_answer',
  /** A node's attempt is written as running; its handler has not been called. */
  'after_begin_before_handler',
  /** An effect has happened outside; the ledger does not know. */
  'after_effect_before_record',
  /** A node's end is in PostgreSQL; Temporal does not know. */
  'after_end_before_report',
  /** A stretch of quick nodes is in PostgreSQL; the workflow does not know. */
  'after_stretch_before_report',
  /** A model call is announced; the model has not been called. */
  'after_model_call_announced',
  /** A model has answered; the answer is written nowhere. */
  'after_model_answer_before_record',
  /** A model's answer, and what follows from it, is in PostgreSQL; the workflow does not know. */
  'after_model_record_before_report',
  /** A tool call of a model is written as running; the tool has not been called. */
  'after_tool_call_begun',
  /** A tool has returned; its result is written nowhere. */
  'after_tool_result_before_record',
  /** A tool's result is in PostgreSQL; the workflow does not know. */
  'after_tool_record_before_report',
  /** A wave of a shared execution is done; nothing of it is written. */
  'before_wave',
  /** A wave of a shared execution is in PostgreSQL; the next one has not begun. */
  'after_wave',
  /** Every wave of a shared execution is in PostgreSQL; the workflow does not know. */
  'after_waves_before_report',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** Called when a process reaches a failpoint. Does nothing in a normal run. */
export type ReachFailpoint = (name: Failpoint) => Promise<void>;
export const NO_FAILPOINTS: ReachFailpoint = async () => {};
