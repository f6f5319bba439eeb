import type { Database } from '../../database/transaction.ts';
import { Dispatcher } from '../../dispatcher/dispatcher.ts';
import { Reconciler } from '../../dispatcher/reconciler.ts';
import { Relay } from '../../dispatcher/relay.ts';
import { SettingsCache } from '../../dispatcher/settings-cache.ts';
import { workflowStarter } from '../../dispatcher/start-task.ts';
import { sharedStarter } from '../../dispatcher/start-together.ts';
import { StartVerdicts } from '../../dispatcher/start-verdicts.ts';
import { Sweeper } from '../../dispatcher/sweeper.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ReachFailpoint } from '../../domain/system/failpoints.ts';
import { type ExecutionRef, taskWorkflowId } from '../../domain/tasks/execution.ts';
import { WAIT_ENDED } from '../../domain/tasks/run-waits.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import type { Claimant } from '../../entities/tasks/claimant.ts';
import type { EndedWait } from '../../entities/waits/wait-repository.ts';
import { Consequences } from '../../operations/tasks/consequences.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { callWorkflow } from '../../temporal/call-workflow.ts';
import { explain } from '../../temporal/refusals.ts';
import type { Closers } from './closers.ts';
import type { Opened } from './open-worker.ts';

/** How long after its claim a task may have no workflow, or a closed one, before the reconciler asks Temporal. */
const SUSPECT_AFTER_SECONDS = 20;

/** The loops of a worker that move tasks between the stores. */
export interface QueueParts {
  readonly dispatcher: Dispatcher;
  /** The settings of the queue that apply now; the last ones while PostgreSQL does not answer. */
  settings(): Promise<QueueSettings>;
  readonly loops: readonly [Dispatcher, Relay, Sweeper, Reconciler];
  /** Whether PostgreSQL has a task that this worker could take. */
  hasWork(): Promise<boolean>;
  /** A task that this process carried out has ended. */
  taskEnded(execution: ExecutionRef): void;
  /** Tasks have left a shared execution of this process. */
  tasksLeft(ids: readonly TaskId[]): void;
  /** Starts the loops, and closes them in reverse order: hints and leases first, the loops that notify others last. */
  start(closers: Closers): void;
}

export function assembleQueue(opened: Opened, reach: ReachFailpoint): QueueParts {
  const { database, redis, temporal, log, workerId, taskQueue, offers, graphs, config } = opened;
  const { client } = temporal;
  const queueFor = (name: string) => new JobQueue(redis, { taskQueue: name });
  const queue = queueFor(taskQueue);
  const wakeUps = new WakeUps(redis, { taskQueue });
  const settings = new SettingsCache({ database, log });
  const starter = { client, graphs, settings, log };
  const start = workflowStarter(starter);
  const verdicts = new StartVerdicts({ client, taskQueue, log });
  const claimant = { workerId, taskQueue, handlers: offers };
  const capacity = config.maxConcurrentTasks;
  const stores = { database, graphs, client, queue, settings };
  const starting = { start, verdicts };
  const startTogether = sharedStarter(starter);
  const dispatcher = new Dispatcher({ ...stores, ...starting, startTogether, claimant, capacity, reach, log });
  const tellWait = ({ taskId, traceNumber, id }: EndedWait) =>
    callWorkflow(client, taskWorkflowId(taskId, traceNumber), (handle) => handle.signal(WAIT_ENDED, id));
  const consequences = new Consequences({ database, queueFor, wakeUps, tellWait });
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
    tasksLeft: (ids) => {
      dispatcher
        .tasksLeft(ids)
        .catch((error: unknown) =>
          log.warn(
            { error: explain(error) },
            'could not load the tasks that left a shared execution; the reconciler will',
          ),
        );
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

/** Asks PostgreSQL whether a task waits that this worker could take now, by the rules of the claim itself. */
async function hasWork(database: Database, settings: SettingsCache, claimant: Claimant): Promise<boolean> {
  const current = await settings.current();
  const ready = await database.single.inSystem('inspect', ({ em }) =>
    new ClaimRepository(em).ready(claimant, current, { limit: 1 }),
  );
  return ready.length > 0;
}
