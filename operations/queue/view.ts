import type { Transaction } from '../../database/transaction.ts';
import { missingAgents } from '../../domain/agents/hosting.ts';
import { hasErrorCode } from '../../domain/errors.ts';
import { parseQueueSettings } from '../../domain/queues/queue-settings.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { QueueCountRepository } from '../../entities/tasks/queue-count-repository.ts';
import { yesOrNo } from '../../options/fields.ts';
import type { JobQueue } from '../../redis/job-queue.ts';
import { type Call, defineOperation } from '../define.ts';
import { type IndexView, MAX_KEYS, type QueueCounts, type QueueView, queueView } from './queue-view.ts';

export const viewQueue = defineOperation({
  name: 'queue.view',
  summary: 'Shows what waits, what runs and what delays it.',
  effect: 'read',
  risk: 'read_only',
  permission: 'queue:read',
  unit: 'none',
  input: { allTenants: yesOrNo.optional() },
  handle: (call, { allTenants = false }: { readonly allTenants?: boolean }) => readQueue(call, { allTenants }),
});

const UNAVAILABLE: IndexView = { state: 'unavailable', unserved: [], startsPerMinute: null, parked: null };

type TaskQueues = Awaited<ReturnType<QueueCountRepository['taskQueues']>>;

type JobQueueView = Awaited<ReturnType<JobQueue['view']>>;

/**
 * Reads the queue: a tenant's own tasks, or those of all tenants. The counts come from PostgreSQL. Redis adds what only
 * Redis knows, which is left out while it is unavailable.
 */
async function readQueue(call: Call, { allTenants }: { allTenants: boolean }): Promise<QueueView> {
  const { taskQueues, ...counts } = await readCounts(call, allTenants);
  const index = await readIndex(call.stores.queueFor, taskQueues);
  // Starts by band are counted over all tenants.
  return queueView(counts, allTenants ? index : { ...index, startsPerMinute: null }, new Date());
}

function readCounts({ caller, stores }: Call, allTenants: boolean): Promise<QueueCounts & { taskQueues: TaskQueues }> {
  const read = async ({ em }: Transaction) => {
    const counts = new QueueCountRepository(em);
    const hosting = new HostingRepository(em);
    return {
      tasks: await counts.tasks(),
      tenants: await counts.tenants(),
      slots: await counts.slots(MAX_KEYS),
      taskQueues: await counts.taskQueues(),
      unhosted: missingAgents(await hosting.needs(), await hosting.workers()),
      settings: parseQueueSettings(await new SettingsRepository(em).read('queue')),
    };
  };
  const { database } = stores;
  return allTenants ? database.inSystem('inspect', read) : database.inTenant(caller.tenant, read);
}

async function readIndex(queueFor: Call['stores']['queueFor'], taskQueues: TaskQueues): Promise<IndexView> {
  try {
    const views = await Promise.all(taskQueues.map(({ taskQueue }) => queueFor(taskQueue).view()));
    const unserved = taskQueues.filter(({ waits }, index) => waits && isAbandoned(views[index]));
    return merge(
      views,
      unserved.map(({ taskQueue }) => taskQueue),
    );
  } catch (error) {
    if (hasErrorCode(error) && error.code === 'service_unreachable') return UNAVAILABLE;
    throw error;
  }
}

/** A worker of the task queue would build the index within a second. */
function isAbandoned(view: JobQueueView | undefined): boolean {
  return view !== undefined && !view.intact && !view.rebuilding;
}

/** The indexes of all task queues as one. An index that no worker keeps matters only where tasks wait. */
function merge(views: readonly JobQueueView[], unserved: readonly string[]): IndexView {
  const parked = new Map<string, number>();
  for (const limit of views.flatMap((view) => view.limits)) {
    parked.set(limit.key, (parked.get(limit.key) ?? 0) + limit.parked);
  }
  const starts = (band: 'high' | 'normal' | 'low') =>
    views.reduce((total, view) => total + view.bands[band].startsPerMinute, 0);
  return {
    state: views.some((view) => view.rebuilding) ? 'rebuilding' : unserved.length > 0 ? 'unserved' : 'whole',
    unserved,
    startsPerMinute: { high: starts('high'), normal: starts('normal'), low: starts('low') },
    parked,
  };
}
