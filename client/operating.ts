import type { QueueSettings } from '../domain/queues/queue-settings.ts';
import type { DeadLetter } from '../entities/tasks/dead-letter-repository.ts';
import type { QueueView } from '../operations/queue/queue-view.ts';
import {
  type LimitOptions,
  pauseQueue,
  resumeQueue,
  setQueueLimit,
  setQueueWeight,
} from '../operations/queue/settings.ts';
import { viewQueue } from '../operations/queue/view.ts';
import { type DeadListOptions, listDeadTasks } from '../operations/tasks/list.ts';
import { type RedriveAll, type RedriveOptions, type RedriveReport, redriveTasks } from '../operations/tasks/redrive.ts';
import { type DiffInput, diffTraces, type TraceDiff } from '../operations/traces/diff.ts';
import { type Face, withArguments } from './face.ts';
import { targetOf } from './options.ts';

/** What an operator does with a connection: look at the queue, hold it, limit it, let what failed go again, and compare. */
export abstract class Operating {
  readonly #face: Face;

  constructor(face: Face) {
    this.#face = face;
  }

  /**
   * What waits, what runs and what holds it up: the tenant's own tasks, or those of all tenants. The limits, pauses and
   * weights are the whole installation's. Counted in PostgreSQL, so it is true while Redis is unavailable too.
   *
   * @example
   * const everybody = await muster.queue({ allTenants: true });
   */
  queue(options: { allTenants?: boolean } = {}): Promise<QueueView> {
    return this.#face.call(viewQueue, options);
  }

  /**
   * Starts nothing more of a band, a tenant or a graph until it is resumed; what runs continues. It takes effect in the
   * whole installation within two seconds and survives restarts. Repeating it changes nothing. A single task is paused
   * by its own handle.
   *
   * @example
   * await muster.pause('graph:channel-digest');
   *
   * @throws OptionInvalid for anything but `band:NAME`, `tenant:NAME` or `graph:NAME`
   */
  pause(target: string): Promise<QueueSettings> {
    return this.#face.call(pauseQueue, { target });
  }

  /**
   * Undoes {@link Operating.pause}. Repeating it changes nothing.
   * @example
   * await muster.resume('graph:channel-digest');
   * @throws OptionInvalid
   */
  resume(target: string): Promise<QueueSettings> {
    return this.#face.call(resumeQueue, { target });
  }

  /**
   * Limits how many tasks with a concurrency key are open at once, in the whole installation: `tenant:NAME`,
   * `graph:NAME`, `agent:NAME`, `user:TENANT/USER`, `key:TENANT/KEY`, or `<kind>:*` for every key of a kind that has no
   * limit of its own. 0 to 1,000,000; null for the default, which is one for `user:*` and none for everything else.
   * Running tasks are left alone. It takes effect within two seconds. With `while: 'occupying'` tasks hold no slot
   * while they are paused or wait for input, an approval, a message or a time; one that continues is over the limit for
   * a while if it is full.
   *
   * @example
   * await muster.setLimit('graph:channel-digest', 4);
   * await muster.setLimit('key:acme/desk', 2, { while: 'occupying' });
   *
   * @throws SettingsInvalid
   */
  setLimit(key: string, limit: number | null, options: LimitOptions = {}): Promise<QueueSettings> {
    return this.#face.call(setQueueLimit, withArguments('setLimit', options, { key, limit }));
  }

  /**
   * Sets a tenant's share of the starts within a band against the others'. 0.01 to 1,000; null for the default of 1.
   * @example
   * await muster.setWeight('acme', 3);
   * @throws SettingsInvalid
   */
  setWeight(tenant: string, weight: number | null): Promise<QueueSettings> {
    return this.#face.call(setQueueWeight, { tenant, weight });
  }

  /**
   * The tenant's tasks that failed and were not redriven, with cause, node and trace; the latest deaths first.
   * @example
   * const letters = await muster.dead({ graph: 'channel-digest', since: new Date(Date.now() - 3_600_000) });
   */
  dead(options: DeadListOptions = {}): Promise<DeadLetter[]> {
    return this.#face.call(listDeadTasks, options);
  }

  /**
   * Queues failed tasks again. Each starts under a new trace that names the failed one as its origin; the failed trace
   * stays readable. A task that depends on others is blocked until they have completed. Repeating it changes nothing.
   * For one task it throws when that task cannot be redriven; for several, the report says so. Effects that a failed
   * trace recorded as done are not done again, unless `effects: 'repeat'`.
   *
   * @example
   * await muster.redrive(id, { effects: 'repeat' });
   * const { tasks } = await muster.redrive({ all: true, graph: 'channel-digest' }, { dryRun: true });
   *
   * @throws TaskNotDead, DependencyDead, TaskUnknown, OptionInvalid
   */
  redrive(target: string | readonly string[] | RedriveAll, options: RedriveOptions = {}): Promise<RedriveReport> {
    return this.#face.call(redriveTasks, withArguments('redrive', options, targetOf(target)));
  }

  /**
   * Where two traces part: two of a task, or the newest of two tasks, such as a task and its fork. Every run of both with what
   * it came to and what it used.
   * @example
   * const { first } = await muster.diff({ id: task.id, otherId: fork.id });
   * @throws TaskUnknown, OptionInvalid
   */
  diff(traces: DiffInput): Promise<TraceDiff> {
    return this.#face.call(diffTraces, traces);
  }
}
