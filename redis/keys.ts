import type { AgentId, TaskId } from '../domain/ids.ts';

/**
 * The keys and the channel of one job queue. All of them carry the task queue as their hash tag, so that one script may
 * touch them together on a Redis Cluster.
 */
export interface QueueKeys {
  /**
   * What every script of the queue gets as KEYS, in this order: the bands high, normal and low (sorted sets of task
   * ids by creation time), the leases (task ids by deadline), the places of leased jobs (hash of task id to band and
   * score), the epoch (its absence means that the index is gone), and the rebuild under way.
   */
  readonly all: readonly [
    high: string,
    normal: string,
    low: string,
    leases: string,
    places: string,
    epoch: string,
    rebuild: string,
  ];
  readonly epoch: string;
  /** The channel of hints that jobs wait. */
  readonly wakeUps: string;
}

/**
 * The only maker of Redis keys and channel names.
 *
 * The prefix keeps installations apart that share one Redis. It must not contain braces: they would take the place of
 * the hash tag, and a Redis Cluster would refuse the scripts.
 */
export class RedisKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The keys of the jobs that workers of one Temporal task queue take. */
  queue(taskQueue: string): QueueKeys {
    const base = `${this.#prefix}:{${encodeURIComponent(taskQueue)}}:queue`;
    const epoch = `${base}:epoch`;
    return {
      all: [
        `${base}:high_priority`,
        `${base}:normal_priority`,
        `${base}:low_priority`,
        `${base}:leases`,
        `${base}:leases:places`,
        epoch,
        `${base}:rebuild`,
      ],
      epoch,
      wakeUps: `${base}:wake`,
    };
  }

  /** The hash of an agent's last heartbeat. */
  agentHealth(agentId: AgentId): string {
    return `${this.#prefix}:agent:${agentId}:health`;
  }

  /** The channel of hints that an agent has been sent something. */
  agentCommands(agentId: AgentId): string {
    return `${this.#prefix}:agent:${agentId}:commands`;
  }

  /** The channel of hints that a task has new events. */
  taskEvents(taskId: TaskId): string {
    return `${this.#prefix}:task:${taskId}:events`;
  }
}
