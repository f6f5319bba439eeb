import { ProgramVoices } from '../../client/program-voice.ts';
import { taskWorkflows } from '../../client/task-workflows.ts';
import type { TenantId } from '../../domain/ids.ts';
import { permissionOf } from '../../operations/as-tool.ts';
import type { Stores } from '../../operations/stores.ts';
import { submitters } from '../../operations/tasks/submitter.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import { GuardedRedis } from '../../redis/limits/guarded-redis.ts';
import { OnceKeys } from '../../redis/limits/once.ts';
import { ProcessSlots } from '../../redis/limits/process-slots.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import type { Closers } from './closers.ts';
import type { WorkerLimits } from './limiter.ts';
import type { Opened } from './open-worker.ts';

/** What the operations work on that nodes of this worker call. It reads no document from a path: that is the worker's disk. */
export function operationStores(
  { config, database, redis, temporal, graphs }: Opened,
  { limiter, liveProcesses }: WorkerLimits,
  closers: Closers,
): Stores {
  const queueFor = (taskQueue: string) => new JobQueue(redis, { taskQueue });
  const guarded = new GuardedRedis(redis);
  const voices = new ProgramVoices({ database, redis, maxHops: config.maxMessageHops });
  closers.add('the messages of operations', voices, (opened) => opened.close());
  return {
    ...{ database, graphs, defaultTaskQueue: config.taskQueue, queueFor, rateLimits: limiter, permissionOf },
    wakeUps: new WakeUps(redis, { taskQueue: config.taskQueue }),
    workflows: taskWorkflows(async () => temporal),
    onceKeys: new OnceKeys(guarded),
    slotsOf: (tenant: TenantId) => new ProcessSlots(guarded, { tenant, liveProcesses }),
    submitterOf: submitters({ database, queueFor, maxInputBytes: config.maxInputBytes }),
    voiceOf: (tenant) => voices.of(tenant),
    pings: {
      postgresql: () => database.ping(),
      redis: () => redis.ask((commands) => commands.ping()),
      temporal: () => temporal.client.workflowService.getSystemInfo({}),
    },
  };
}
