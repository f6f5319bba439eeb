import type { Database, Transaction } from '../database/transaction.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId } from '../domain/ids.ts';
import { type Json, textFault } from '../domain/json.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import type { ExecutionRef } from '../domain/tasks/execution.ts';
import { RunRepository } from '../entities/traces/run-repository.ts';
import type { Sender } from '../messaging/sender.ts';
import type { KeysFor } from '../operations/models/find-key.ts';
import type { NewTraceEvent } from '../operations/record/notes.ts';
import type { RecordLog } from '../operations/record/recording.ts';
import type { ModelCaller } from '../providers/model-caller.ts';
import type { RateLimiter } from '../redis/limits/rate-limiter.ts';
import { StaleFence } from './capability-errors.ts';
import type { Invocation, InvocationWatch } from './invocation.ts';

/** The parts of which the capabilities of a node's handler are made; the worker opens and closes them. */
export interface CapabilityDependencies {
  readonly database: Database;
  /** Tells a handler how fast it may go. */
  readonly limits: Pick<RateLimiter, 'take' | 'reserve' | 'settle'>;
  readonly sender: Sender;
  /** The id of an agent that this process hosts. */
  readonly agentId: (name: string) => AgentId | undefined;
  /** Calls models; null where the installation has none. */
  readonly models: ModelCaller | null;
  /** Finds the keys by which they are called. */
  readonly keysFor: KeysFor;
  readonly watch: InvocationWatch;
  readonly reach: ReachFailpoint;
  readonly log: HandlerLog & RecordLog;
}

/** The identity and the tools of one attempt of a node. Every capability is a function of it. */
export interface NodeScope {
  readonly deps: CapabilityDependencies;
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  /** The agent that runs the node; null for a tool. */
  readonly agent: string | null;
  readonly attempt: number;
  /**
   * What tells its effects, messages and artifacts from those of other calls of code in the same run. @defaultValue the
   * node's id
   */
  readonly place?: string;
  readonly invocation: Invocation;
  /** Aborts at the attempt's timeout, on cancellation and when the worker shuts down. */
  readonly signal: AbortSignal;
  readonly heartbeat: (details?: Json) => void;
  /** Takes an event of a node whose other events are written later, so that they keep their order. */
  readonly note?: (event: NewTraceEvent) => void;
}

/** Under what the effects, messages and artifacts of a call are kept. */
export function placeOf({ nodeId, place = nodeId }: Pick<NodeScope, 'nodeId' | 'place'>): string {
  return place;
}

export type AttemptOfNode = Pick<NodeScope, 'execution' | 'nodeId' | 'attempt'>;

/**
 * @throws StaleFence for an attempt that was replaced after its time or its worker's outage: it leaves nothing behind
 */
export async function assertCurrent(
  em: Transaction['em'],
  { execution, nodeId, attempt }: AttemptOfNode,
): Promise<void> {
  const current = await new RunRepository(em).isCurrent(execution, nodeId, attempt);
  if (!current) throw new StaleFence(execution.taskId, execution.fence);
}

/** The longest name that a handler gives to a step or an artifact. */
export const MAX_NAME_CHARACTERS = 500;

/** Whether a value is a short text that can be stored. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS && textFault(value) === null;
}
