import type { CapabilityDependencies } from '../capabilities/scope.ts';
import type { Handler } from '../domain/agents/handler.ts';
import type { TaskId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { AgentPlaceAnswer, PlaceWaiter } from '../domain/limits/handler-limits.ts';
import type { QueueSettings } from '../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../domain/tasks/execution.ts';
import type { OpenTaskStatus, TerminalTaskStatus } from '../domain/tasks/task-status.ts';
import type { Spender } from '../operations/budgets/spender.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { Stores } from '../operations/stores.ts';
import type { AgentHealthBoard } from '../redis/agent-health.ts';
import type { LiveTexts } from '../redis/live-texts.ts';
import type { ToolSources } from '../tool-sources/tool-sources.ts';

/** The log of a process: facts first, then the sentence. */
export interface Log {
  debug(facts: JsonObject, message: string): void;
  info(facts: JsonObject, message: string): void;
  warn(facts: JsonObject, message: string): void;
  error(facts: JsonObject, message: string): void;
}

/** What the activities are given; `worker.ts` opens and closes it all. */
export interface ActivityDependencies extends CapabilityDependencies {
  /** Names this start of the worker, as its lease and its database connections do. */
  readonly process: string;
  readonly graphs: GraphCache;
  /** What operations work on that are called from a workflow. */
  readonly stores: Stores;
  /** Reserves what model calls may cost, and settles what they did. */
  readonly spender: Spender;
  /** The handlers that this worker hosts, by `kind:name`. */
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Finds the tools that agents have from sources; null where this worker has none. */
  readonly sources: Pick<ToolSources, 'toolsOf'> | null;
  /** Called after the commit that ends a task. Only a hint: a listener that misses it finds the end by polling. */
  readonly taskEnded: (execution: ExecutionRef, status: TerminalTaskStatus) => void;
  /**
   * Called after the commit that lets an open task wait or continue, with the concurrency keys whose slots it holds.
   * Also only a hint.
   */
  readonly taskMoved: (task: Pick<ExecutionRef, 'taskId'>, status: OpenTaskStatus, slots: readonly string[]) => void;
  /** Called after the commit by which tasks leave a shared execution: each gets one of its own. Also only a hint. */
  readonly tasksLeft: (tasks: readonly TaskId[]) => void;
  /** Called after the commit of a wave, with the workflow that carries its tasks. Also only a hint. */
  readonly waveWritten: (carrier: string) => void;
  /** How the queue behaves; the last settings that were read while PostgreSQL does not answer. */
  readonly queueSettings: () => Promise<QueueSettings>;
  /** The fast signal that agents are alive. */
  readonly board: Pick<AgentHealthBoard, 'health'>;
  /** Bounds how many nodes of an agent run at once. */
  readonly takePlace: (agent: string, waiter: PlaceWaiter) => Promise<AgentPlaceAnswer>;
  /** Shows what models say while they say it. */
  readonly liveTexts: Pick<LiveTexts, 'open'>;
  /** Counts traces whose rows disagree with the histories of their workflows. */
  readonly gapsFound: (traces: number) => void;
  readonly log: Log;
}
