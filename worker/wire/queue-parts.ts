import { Dispatcher } from '../../dispatcher/dispatcher.ts';
import { Reconciler } from '../../dispatcher/reconciler.ts';
import { Relay } from '../../dispatcher/relay.ts';
import { SettingsCache } from '../../dispatcher/settings-cache.ts';
import { workflowStarter } from '../../dispatcher/start-task.ts';
import { StartVerdicts } from '../../dispatcher/start-verdicts.ts';
import { Sweeper } from '../../dispatcher/sweeper.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ReachFailpoint } from '../../domain/system/failpoints.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { Consequences } from '../../operations/tasks/consequences.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import type { Closers } from './closers.ts';
import { hasWork } from './has-work.ts';
import type { Opened } from './open-worker.ts';

/** How long after its claim a task may have no workflow, or a closed one, before the reconciler asks Temporal. */
const SUSPECT_AFTER_SECONDS = 20;

/** The loops of a worker that move tasks between the stores. */
export interface QueueParts {
  readonly dispatcher: Dispatcher;
  /** The settings of the queue, by which it goes now; the last ones while PostgreSQL does not answer. */
  settings(): Promise<QueueSettings>;
  readonly loops: readonly [Dispatcher, Relay, Sweeper, Reconciler];
  /** Whether PostgreSQL has a task that this worker could take. */
  hasWork(): Promise<boolean>;
  /** A task that this process carried out has ended. */
  taskEnded(execution: ExecutionRef): void;
  /** Starts the loops, and closes them in reverse order: hints and leases first, what tells others last. */
  start(closers: Closers): void;
}

export function assembleQueue(opened: Opened, reach: ReachFailpoint): QueueParts {
  const { database, redis, temporal, log, workerId, taskQueue, hosted, graphs, config } = opened;
  const { client } = temporal;
  const queueFor = (name: string) => new JobQueue(redis, { taskQueue: name });
  const queue = queueFor(taskQueue);
  const wakeUps = new WakeUps(redis, { taskQueue });
  const settings = new SettingsCache({ database, log });
  const start = workflowStarter({ client, graphs, settings, log });
  const verdicts = new StartVerdicts({ client, taskQueue, log });
  const claimant = { workerId, taskQueue, handlers: [...hosted.handlers.keys()] };
  const capacity = config.maxConcurrentTasks;
  const stores = { database, graphs, client, queue, settings };
  const starting = { start, verdicts };
  const dispatcher = new Dispatcher({ ...stores, ...starting, claimant, capacity, reach, log });
  const consequences = new Consequences({ database, queueFor, wakeUps });
  const relay = new Relay({ database, client, queueFor, wakeUps, consequences, log });
  const sweeper = new Sweeper({ database, graphs, consequences, queueFor, log });
  const suspectAfterSeconds = SUSPECT_AFTER_SECONDS;
  const reconciler = new Reconciler({ ...stores, ...starting, taskQueue, suspectAfterSeconds, log });
  return {
    dispatcher,
    settings: () => settings.current().catch(() => settings.latest),
    loops: [dispatcher, relay, sweeper, reconciler],
    hasWork: () => hasWork(database, settings, claimant),
    taskEnded: (execution) => {
      dispatcher.taskEnded(execution.taskId);
      relay.taskEnded(execution);
    },
    start: (closers) => {
      for (const [name, part] of Object.entries({ relay, sweeper, reconciler, dispatcher })) {
        part.start();
        closers.add(`the ${name}`, part, () => part.stop());
      }
      const stopHints = wakeUps.onJob(() => dispatcher.hint());
      closers.add('the wake-ups', stopHints, async (stop) => stop());
    },
  };
}
