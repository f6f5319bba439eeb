import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { missingHost } from '../../domain/agents/hosting.ts';
import { heldUpBy } from '../../domain/queues/held-up.ts';
import { parseQueueSettings } from '../../domain/queues/queue-settings.ts';
import { type Cause, cause } from '../../domain/tasks/cause.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { CauseRepository } from '../../entities/tasks/cause-repository.ts';
import { QueueCountRepository } from '../../entities/tasks/queue-count-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';

/** What keeps a task from moving although nobody works on it; null for one that can move, and for one that has ended. */
export async function readHoldUp(em: SqlEntityManager, task: TaskRecord): Promise<Cause | null> {
  const { id, status, held, startAt } = task;
  if (status === 'paused' || held) return cause('paused', 'a resume: it is paused');
  if (status === 'blocked') {
    return cause('dependency', 'the tasks that it depends on', { tasks: await new CauseRepository(em).unended(id) });
  }
  if (status === 'deferred') return cause('time', 'its time', { until: startAt });
  const hosting = new HostingRepository(em);
  const needs = await hosting.needsOf(id);
  if (needs === null) return null;
  const missing = missingHost(needs, await hosting.workers());
  if (missing !== null) return cause('worker', missing);
  return status === 'pending' ? readQueueHoldUp(em, task) : null;
}

async function readQueueHoldUp(em: SqlEntityManager, { id, priority }: TaskRecord): Promise<Cause | null> {
  const settings = parseQueueSettings(await new SettingsRepository(em).read('queue'));
  const heldUp = heldUpBy({ priority, slots: await new QueueCountRepository(em).slotsOf(id) }, settings);
  if (heldUp === null) return null;
  const tasks = heldUp.kind === 'slot' ? await new CauseRepository(em).holders(heldUp.key) : [];
  return cause(heldUp.kind, heldUp.waitsFor, { tasks });
}
