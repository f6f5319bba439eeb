import type { AgentId, LeaseId, TaskId, TraceId } from '../domain/ids.ts';
import type { RunPath } from '../domain/traces/path.ts';
import { LimitKeys } from './limit-keys.ts';

/** The KEYS of every script of a job queue, in this order, each as the end of the key's name. */
export const QUEUE_KEY_NAMES = [
  'high_priority', // of each band: jobs that may start, `tenant|created|task`, all with the score 0
  'normal_priority',
  'low_priority',
  'high_priority:tenants', // of each band: tenants with such jobs, by their virtual time
  'normal_priority:tenants',
  'low_priority:tenants',
  'high_priority:parked', // of each band: jobs whose key is full, `key|tenant|created|task`, all with the score 0
  'normal_priority:parked',
  'low_priority:parked',
  'jobs', // task → place, of the jobs in bands and parked
  'leases', // task → deadline, of the leased jobs
  'places', // task → place, of the same
  'holders', // task → deadline, of the started tasks that hold slots
  'slots', // task → the concurrency keys of which it holds a slot
  'held', // concurrency key → slots held by tasks of this queue
  'elsewhere', // concurrency key → slots held by tasks of other queues, as PostgreSQL said
  'settings', // limits, weights and pauses
  'clock', // how many jobs were leased, and the virtual time of each band
  'starts', // band and ten seconds → how many tasks started then
  'ended', // task → when it ended, kept for some seconds
  'epoch', // missing when the index is lost
  'rebuild', // the running rebuild
  'queues', // tenants with parked jobs, `key|band|turn|tenant`, all with the score 0
  'let_in', // jobs that a full key let into their band and that wait there, `key|band|tenant|created|task`, likewise
  'turns', // of each key with parked jobs or let-in ones: its turns, virtual times, and the turns of tenants
] as const;

type TextPerName<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

/**
 * The keys and the channel of one job queue. All of them carry the task queue as their hash tag, so that one script may
 * touch them together on a Redis Cluster.
 */
export interface QueueKeys {
  /** As {@link QUEUE_KEY_NAMES} says. */
  readonly all: TextPerName<typeof QUEUE_KEY_NAMES>;
  readonly leases: string;
  readonly holders: string;
  readonly elsewhere: string;
  readonly rebuild: string;
  /** Which process compares the queue with PostgreSQL. */
  readonly comparer: string;
  /** The channel of hints that jobs wait. */
  readonly wakeUps: string;
}

/**
 * The only maker of Redis keys and channel names.
 *
 * The prefix separates installations that share one Redis. It must not contain braces: they would replace the hash tag,
 * and a Redis Cluster would refuse the scripts.
 */
export class RedisKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The keys of the jobs that workers of one Temporal task queue take. */
  queue(taskQueue: string): QueueKeys {
    const base = `${this.#prefix}:{${encodeURIComponent(taskQueue)}}:queue`;
    const names: readonly string[] = QUEUE_KEY_NAMES.map((name) => `${base}:${name}`);
    return {
      all: names as QueueKeys['all'],
      leases: `${base}:leases`,
      holders: `${base}:holders`,
      elsewhere: `${base}:elsewhere`,
      rebuild: `${base}:rebuild`,
      comparer: `${base}:comparer`,
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

  /** The channel of hints that an agent, or a program under its lease, has been answered. */
  agentResponses(id: AgentId | LeaseId): string {
    return `${this.#prefix}:agent:${id}:responses`;
  }

  /** The channel of hints that every agent has been sent something. */
  agentBroadcast(): string {
    return `${this.#prefix}:agent:broadcast`;
  }

  /** How the ways to models do: a field for each. */
  modelHealth(): string {
    return `${this.#prefix}:models:health`;
  }

  /** The key that a health probe writes. */
  probe(): string {
    return `${this.#prefix}:probe`;
  }

  /** The channel of hints that a task has new events. */
  taskEvents(taskId: TaskId): string {
    return `${this.#prefix}:task:${taskId}:events`;
  }

  /** The stream of what the model of a run says. */
  liveText(tenant: string, traceId: TraceId, path: RunPath): string {
    return `${this.#prefix}:text:${tenant}:${traceId}:${path}`;
  }

  /** The channel of hints that a model of a task has said something. */
  taskTexts(taskId: TaskId): string {
    return `${this.#prefix}:task:${taskId}:texts`;
  }

  /** The keys of the limits, cooldowns and slots of a tenant; null for those that all tenants share. */
  limits(tenant: string | null): LimitKeys {
    return new LimitKeys(this.#prefix, tenant);
  }
}
