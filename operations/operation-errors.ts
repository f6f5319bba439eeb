import { type ErrorFacts, MusterError } from '../domain/errors.ts';
import type { Failure } from '../domain/tasks/execution.ts';

/** No active graph has this name. */
export class GraphUnknown extends MusterError {
  readonly code = 'graph_unknown';
  constructor(name: string, known: readonly { readonly name: string }[]) {
    const names = known.map((graph) => graph.name).join(', ');
    const list = names === '' ? 'No graph is active yet' : `Active graphs: ${names}`;
    super(`There is no graph "${name}". ${list}. Start a worker that has it, or correct the name.`, { graph: name });
  }
}

/** A task would stand below too many others that wait for it. */
export class ChildTooDeep extends MusterError {
  readonly code = 'child_too_deep';
  constructor(most: number) {
    super(
      `The child task was not started: it would have ${most} tasks above it, the maximum. Check whether a graph runs itself.`,
      { most },
    );
  }
}

/** The tenant has no such version of a graph. Nothing was changed. */
export class GraphVersionUnknown extends MusterError {
  readonly code = 'graph_version_unknown';
  /** @param known the versions that there are */
  constructor(graph: string, version: number, known: readonly { readonly version: number }[]) {
    const list =
      known.length === 0 ? 'There is none of this name' : `There are ${known.map((of) => of.version).join(', ')}`;
    super(
      `The tenant has no version ${version} of the graph "${graph}". ${list}. Graphs that workers bring belong to the tenant "system".`,
      { graph, version },
    );
  }
}

/** The input does not fit the graph's input schema. Nothing was written. */
export class InputInvalid extends MusterError {
  readonly code = 'input_invalid';
  /** What is wrong, as a sentence without its beginning. */
  readonly fault: string;
  constructor(fault: string, facts: ErrorFacts = {}) {
    super(`The input cannot be used: ${fault}`, facts);
    this.fault = fault;
  }
}

/** The input is larger than a submit takes. Nothing was written. */
export class InputTooLarge extends MusterError {
  readonly code = 'input_too_large';
  /** `bytes` is `null` if reading stopped at the limit, so that the size is unknown. */
  constructor(bytes: number | null, limit: number) {
    const size = bytes === null ? `more than ${limit} bytes` : `${bytes} bytes`;
    super(
      `The input has ${size} and may have ${limit}. Split it, or raise MUSTER_MAX_INPUT_BYTES (at most 100000000).`,
      { bytes, limit },
    );
  }
}

/** A file named as input cannot be read as text. Nothing was written. */
export class InputUnreadable extends MusterError {
  readonly code = 'input_unreadable';
  constructor(file: string, fault: string, cause?: unknown) {
    super(`${file} cannot be read: ${fault}`, { file }, { cause });
  }
}

/** The idempotency key was used before for another graph or another input. Nothing was written. */
export class IdempotencyConflict extends MusterError {
  readonly code = 'idempotency_conflict';
  constructor(key: string, taskId: string) {
    super(
      `The key "${key}" belongs to task ${taskId}, which was submitted with another graph or input. Use a new key for new work.`,
      { key, taskId },
    );
  }
}

/** No message has this id, or it belongs to another tenant. */
export class MessageUnknown extends MusterError {
  readonly code = 'message_unknown';
  constructor(messageId: string, tenant: string) {
    super(
      `There is no message "${messageId}" of the tenant "${tenant}". Check the id with \`muster messages\`; retention ` +
        'may have removed it.',
      { messageId, tenant },
    );
  }
}

/** No task has this id, or it belongs to another tenant. */
export class TaskUnknown extends MusterError {
  readonly code = 'task_unknown';
  constructor(taskId: string, tenant: string) {
    super(`The tenant "${tenant}" has no task ${taskId}. \`muster tasks\` lists the newest ones.`, { taskId, tenant });
  }
}

/** The task has ended, and retention has removed the requested data. `read` and `show` still return its end. */
export class TracePruned extends MusterError {
  readonly code = 'trace_pruned';
  constructor(task: { readonly id: string; readonly status: string }, what: 'output' | 'events' | 'runs') {
    super(
      `The task ${task.id} is ${task.status}, and retention has removed its ${what}. ` +
        '`muster retention` shows how long data is kept.',
      { taskId: task.id, status: task.status, what },
    );
  }
}

/** The task is not in a state that allows this. */
export class TaskNotOpen extends MusterError {
  readonly code = 'task_not_open';
  /** @param successor the next task of its series, which continues without it */
  constructor(taskId: string, status: string, wanted: string, successor: string | null = null) {
    const next = successor === null ? '' : ` Its series continues with the task ${successor}: end that one.`;
    super(`The task ${taskId} is ${status} and cannot be ${wanted}.${next}`, { taskId, status, successor });
  }
}

/** The task ended without an output. */
export class TaskFailed extends MusterError {
  readonly code = 'task_failed';
  /** Why, as the task's row has it. */
  readonly failure: Failure | null;
  constructor(taskId: string, failure: Failure | null) {
    const where = failure?.node === undefined ? '' : ` at node ${failure.node}`;
    super(`The task ${taskId} failed${where}: ${failure?.message ?? 'no reason was recorded'}`, { taskId });
    this.failure = failure;
  }
}

/** The task was cancelled or killed. */
export class TaskCancelled extends MusterError {
  readonly code = 'task_cancelled';
  /** What its row says of it: `task_killed` for one that was killed. */
  readonly failure: Failure | null;
  constructor(taskId: string, failure: Failure | null = null) {
    super(`The task ${taskId} was ${failure?.code === 'task_killed' ? 'killed' : 'cancelled'}.`, { taskId });
    this.failure = failure;
  }
}

/** The task did not fail, or has been redriven already. Nothing was changed. */
export class TaskNotDead extends MusterError {
  readonly code = 'task_not_dead';
  constructor(taskId: string, status: string) {
    super(`The task ${taskId} is ${status}; only a failed task can be redriven. \`muster dead\` lists those.`, {
      taskId,
      status,
    });
  }
}

/** The task depends on one that is dead and would fail again at once. Nothing was changed. */
export class DependencyDead extends MusterError {
  readonly code = 'dependency_failed';
  constructor(taskId: string) {
    super(`The task ${taskId} depends on one that failed or was cancelled. Redrive that one first, or both together.`, {
      taskId,
    });
  }
}
