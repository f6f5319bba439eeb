import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { NodeState } from '../../domain/graphs/graph-state.ts';

/** What the query `status` answers: where a running task stands, read from the workflow itself. */
export interface TaskProgress {
  readonly paused: boolean;
  readonly nodes: Readonly<Record<string, NodeState>>;
}

/** A signal, because the sender needs no answer and a task whose worker is away must still take it. Idempotent. */
export const pauseSignal = defineSignal('pause');
/** Undoes {@link pauseSignal}. Idempotent. */
export const resumeSignal = defineSignal('resume');
/** Lists are read from PostgreSQL; this is the live state of one task. */
export const statusQuery = defineQuery<TaskProgress>('status');
