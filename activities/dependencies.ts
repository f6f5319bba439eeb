import type { GraphCache } from '../database/graph-cache.ts';
import type { Database } from '../database/transaction.ts';
import type { Handler } from '../domain/agents/handler.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import type { ExecutionRef } from '../domain/tasks/execution.ts';

/** The log of a process: facts first, then the sentence. */
export interface Log {
  debug(facts: JsonObject, message: string): void;
  info(facts: JsonObject, message: string): void;
  warn(facts: JsonObject, message: string): void;
  error(facts: JsonObject, message: string): void;
}

/** What the activities are given; `worker.ts` opens and closes it all. */
export interface ActivityDependencies {
  readonly database: Database;
  readonly graphs: GraphCache;
  /** The handlers that this worker hosts, by `kind:name`. */
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Told after the commit that ends a task. A hint: whoever misses it finds out by looking. */
  readonly taskEnded: (execution: ExecutionRef) => void;
  readonly reach: ReachFailpoint;
  readonly log: Log;
}
