import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { SecretBox } from '../database/secret-box.ts';
import type { Database } from '../database/transaction.ts';
import type { TenantId } from '../domain/ids.ts';
import { permissionOf } from '../operations/as-tool.ts';
import { ConversationTurns } from '../operations/conversations/conversation-turns.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { RateLimits, Stores } from '../operations/stores.ts';
import { type SubmitterOptions, submitters } from '../operations/tasks/submitter.ts';
import { JobQueue } from '../redis/job-queue.ts';
import { GuardedRedis } from '../redis/limits/guarded-redis.ts';
import { OnceKeys } from '../redis/limits/once.ts';
import { ProcessSlots } from '../redis/limits/process-slots.ts';
import { LiveTexts } from '../redis/live-texts.ts';
import { ModelHealthBoard } from '../redis/model-health-board.ts';
import type { RedisConnections } from '../redis/open-redis.ts';
import { WakeUps } from '../redis/wake-ups.ts';
import type { TemporalClient } from '../temporal/connect.ts';
import { taskWorkflows } from './task-workflows.ts';

/** What a process has opened, and what of it differs from one kind of process to another. */
export interface StoreParts extends Pick<SubmitterOptions, 'readDocument'> {
  readonly config: Pick<Config, 'taskQueue' | 'maxInputBytes' | 'secretKey'>;
  readonly database: Database;
  readonly log: Stores['log'];
  readonly redis: RedisConnections;
  readonly graphs: GraphCache;
  readonly hosted: Stores['hosted'];
  /** The connection to Temporal, made when it is first needed. @throws TemporalUnreachable */
  readonly temporal: () => Promise<TemporalClient>;
  readonly rateLimits: RateLimits;
  /** How many processes share the limits; at least 1. */
  readonly liveProcesses: () => number;
  readonly voiceOf: Stores['voiceOf'];
}

/** How long Temporal may take to answer. */
const PING_TEMPORAL_MS = 5_000;
/** Tenants whose slots are counted by this process while Redis is unavailable. */
const MAX_TENANTS = 1_000;

/** The stores of the operations that one process calls. Make them once: they know the slots taken without Redis. */
export function storesOf({ config, database, log, redis, graphs, hosted, temporal, ...parts }: StoreParts) {
  const { rateLimits, liveProcesses, voiceOf, ...documents } = parts;
  const guarded = new GuardedRedis(redis);
  const queueFor = (taskQueue: string) => new JobQueue(redis, { taskQueue });
  const slots = new LRUCache<TenantId, ProcessSlots>({
    max: MAX_TENANTS,
    memoMethod: (tenant) => new ProcessSlots(guarded, { tenant, liveProcesses }),
  });
  return {
    ...{
      database,
      log,
      graphs,
      hosted,
      defaultTaskQueue: config.taskQueue,
      queueFor,
      rateLimits,
      permissionOf,
      voiceOf,
    },
    secrets: new SecretBox(config.secretKey),
    wakeUps: new WakeUps(redis, { taskQueue: config.taskQueue }),
    workflows: taskWorkflows(temporal),
    modelHealth: new ModelHealthBoard(redis),
    liveTexts: new LiveTexts(redis),
    onceKeys: new OnceKeys(guarded),
    slotsOf: (tenant: TenantId) => slots.memo(tenant),
    turns: new ConversationTurns(database),
    submitterOf: submitters({ database, queueFor, maxInputBytes: config.maxInputBytes, ...documents }),
    pings: {
      postgresql: () => database.ping(),
      redis: () => redis.ask((commands) => commands.ping()),
      temporal: async () => {
        const { client } = await temporal();
        await client.withDeadline(Date.now() + PING_TEMPORAL_MS, () => client.workflowService.getSystemInfo({}));
      },
    },
  } satisfies Stores;
}
