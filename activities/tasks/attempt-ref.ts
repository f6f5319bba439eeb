import type { Transaction } from '../../database/transaction.ts';
import { type Json, textFault } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { AttemptRepository } from '../../entities/traces/attempt-repository.ts';
import type { NewTraceEvent } from '../../entities/traces/trace-repository.ts';
import { StaleFence } from '../handler-errors.ts';

/** Which attempt of which node a context is for. */
export interface AttemptRef {
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  /** The agent that runs the node; null for a tool. */
  readonly agent: string | null;
  readonly attempt: number;
  /** How long the run has waited for limits; absent for a quick node in its stretch, which waits for nothing. */
  readonly limitWaitMs?: number;
  readonly heartbeat: (details?: Json) => void;
  /** Takes an event of a node whose other events are written later, so that they keep their order. */
  readonly note?: (event: NewTraceEvent) => void;
}

/** @throws StaleFence for an attempt that outlived its time or its worker's absence: it leaves nothing behind */
export async function assertCurrent(em: Transaction['em'], { execution, nodeId, attempt }: AttemptRef): Promise<void> {
  const current = await new AttemptRepository(em).isCurrent(execution, nodeId, attempt);
  if (!current) throw new StaleFence(execution.taskId, execution.fence);
}

/** Of the names that a handler gives: of steps and of artifacts. */
export const MAX_NAME_CHARACTERS = 500;

/** Whether a value is a short text that can be stored. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS && textFault(value) === null;
}
