import type { TaskBudgetOptions } from '../../domain/budgets/amounts.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import { nextOccurrence, type Recurrence, type Repeat, recurrenceOf } from '../../domain/tasks/recurrence.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { type Caller, userOf } from '../caller.ts';

/** How a task waits, what it waits for, and until when. */
export interface SubmitOptions {
  /** The band in which the task waits. @defaultValue 'normal' */
  readonly priority?: PriorityBand;
  /** On whose behalf. Unless the settings say otherwise, tasks of one user never overlap. 1 to 255 characters. */
  readonly user?: string;
  /**
   * The conversation that it belongs to, by an id of the program that submits. A task that it spawns belongs to it too,
   * unless it names another one. `conversation:ID` may have a budget. 1 to 200 characters.
   */
  readonly conversation?: string;
  /**
   * Makes a repetition harmless: the same key in the same tenant is the same task, for as long as retention keeps the
   * task (90 days by default). 1 to 255 characters.
   */
  readonly key?: string;
  /** Shown in lists and in the Temporal Web UI, so nothing secret. @defaultValue the document's name, or the graph's */
  readonly title?: string;
  /**
   * What the task counts against besides its tenant, user, graph and agents: `muster limits set key:<tenant>/<name>` says
   * how many such tasks may be open at once. 1 to 255 characters.
   */
  readonly concurrencyKey?: string;
  /** Not to be started before; until then the task is `deferred`. A time that has passed means at once. */
  readonly startAt?: Date;
  /**
   * When it should have ended: not before `startAt` and not after `deadlineAt`. After that it is shown as overdue, and
   * continues.
   */
  readonly dueAt?: Date;
  /**
   * When it must have ended: after now and after `startAt`. Later it fails with `deadline_exceeded`, whether it waits or
   * runs; what runs is told to stop.
   */
  readonly deadlineAt?: Date;
  /**
   * Tasks of the tenant that must be completed first; until then the task is `blocked`. When one of them fails or is
   * cancelled, the task fails with `dependency_failed`, and so does what depends on it. At most 100.
   */
  readonly dependsOn?: readonly TaskId[];
  /**
   * Makes a series: when the task has completed or failed, a task like it follows at the next time of the series, with due
   * time and deadline moved by as much. Times that passed meanwhile are skipped. Cancelling a task ends its series. An
   * interval counts from `startAt` (default: now), a pattern without `startAt` starts at its own next time. The tasks that
   * follow have no key and no dependencies, and run the same version of the graph. What happens where clocks are changed is
   * said at {@link Repeat}.
   */
  readonly repeat?: Repeat;
  /**
   * What the task may spend, with all that it spawns. What is left out has no limit of its own. Exhausted, it fails with
   * `budget_exhausted`, or waits for room (`whenExhausted`). Each task of a series has it anew; a redrive continues with what
   * is left. @defaultValue no limit
   */
  readonly budget?: TaskBudgetOptions;
}

/** One task of a batch: its input, and the options that `submit` takes. */
export interface SubmitItem extends SubmitOptions {
  readonly input: JsonObject;
}

/** The options of a submit, and the task and the thinking agent from which it comes. */
export interface CallerOptions extends SubmitOptions {
  readonly parent?: TaskId;
  readonly agent?: string;
}

/**
 * What is submitted on behalf of a user is the user's, unless it names another one. What a task's node submits is spawned
 * by the task.
 */
export function forCaller(caller: Caller, options: SubmitOptions): CallerOptions {
  const user = userOf(caller);
  const { task: parent, agent } = caller;
  return { ...(user === undefined ? {} : { user }), ...options, ...(parent && { parent }), ...(agent && { agent }) };
}

/** The times of a task, checked. */
export interface TaskTimes {
  readonly startAt: Date | null;
  readonly dueAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly recurrence: Recurrence | null;
}

/**
 * Reads the times of a task that is submitted now.
 * @throws OptionInvalid for a series that cannot be, and times that contradict each other
 */
export function timesOf(options: SubmitOptions, now: Date): TaskTimes {
  const { startAt: wanted = null, dueAt = null, deadlineAt = null, repeat } = options;
  const { startAt, recurrence } =
    repeat === undefined ? { startAt: wanted, recurrence: null } : seriesOf(repeat, wanted, now);
  const start = startAt?.getTime() ?? 0;
  if (deadlineAt !== null && deadlineAt.getTime() <= Math.max(now.getTime(), start)) {
    throw contradiction('deadlineAt', `\`deadlineAt\` must lie after now and after the start, ${when(startAt ?? now)}`);
  }
  if (dueAt !== null && dueAt.getTime() < start) {
    throw contradiction('dueAt', `\`dueAt\` must not lie before the start, ${when(startAt ?? now)}`);
  }
  if (dueAt !== null && deadlineAt !== null && dueAt > deadlineAt) {
    throw contradiction('dueAt', `\`dueAt\` must not lie after \`deadlineAt\`, at which the task ends anyway`);
  }
  return { startAt, dueAt, deadlineAt, recurrence };
}

function seriesOf(repeat: Repeat, startAt: Date | null, now: Date): Pick<TaskTimes, 'startAt' | 'recurrence'> {
  const first = startAt ?? now;
  const recurrence = recurrenceOf(repeat, first);
  if (typeof recurrence === 'string') throw contradiction('repeat', `\`repeat\`: ${recurrence}`);
  if (startAt !== null || 'every' in recurrence) return { recurrence, startAt: first };
  return { recurrence, startAt: nextOccurrence(recurrence, { scheduledAt: now, now }) };
}

function contradiction(option: string, fault: string): OptionInvalid {
  return new OptionInvalid('tasks.submit', [fault], { option });
}

function when(at: Date): string {
  return at.toISOString();
}
