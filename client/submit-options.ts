import { isUuid, type TaskId } from '../domain/ids.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../domain/tasks/priority.ts';
import { nextOccurrence, type Recurrence, type Repeat, recurrenceOf } from '../domain/tasks/recurrence.ts';
import { InputInvalid } from './errors.ts';

/** How a task waits, what it waits for, and until when. */
export interface SubmitOptions {
  /** The band in which the task waits. @defaultValue 'normal' */
  readonly priority?: PriorityBand;
  /** On whose behalf. Unless the settings say otherwise, tasks of one user never overlap. 1 to 255 characters. */
  readonly user?: string;
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
  /** When it should have ended. Later it is shown as overdue, and goes on. */
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
   * follow have no key and no dependencies, and run the same version of the graph.
   */
  readonly repeat?: Repeat;
}

/** The times of a task, checked. */
export interface TaskTimes {
  readonly startAt: Date | null;
  readonly dueAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly recurrence: Recurrence | null;
}

const MAX_NAME_LENGTH = 255;
const MAX_DEPENDENCIES = 100;
/** PostgreSQL reads the years of ISO 8601 up to here. */
const LAST_MOMENT = Date.UTC(9999, 11, 31);

/** Checks what has nothing to do with the graph. @throws InputInvalid with one sentence */
export function checkOptions(options: SubmitOptions): void {
  const { priority, title, dependsOn } = options;
  if (priority !== undefined && !PRIORITY_BANDS.includes(priority)) {
    throw new InputInvalid(`the priority "${priority}" is none of ${PRIORITY_BANDS.join(', ')}.`);
  }
  for (const name of ['user', 'key', 'concurrencyKey'] as const) {
    const value = options[name];
    if (value !== undefined && (value.length < 1 || value.length > MAX_NAME_LENGTH || value.includes('\u0000'))) {
      throw new InputInvalid(`the ${name} must have 1 to ${MAX_NAME_LENGTH} characters, none of them NUL.`);
    }
  }
  if (title?.includes('\u0000')) throw new InputInvalid('the title holds a NUL character. Remove it.');
  if (dependsOn !== undefined) checkDependencies(dependsOn);
}

/** Reads the times of a task that is submitted now. @throws InputInvalid with one sentence */
export function timesOf(options: SubmitOptions, now: Date): TaskTimes {
  const startAt = moment(options, 'startAt');
  const deadlineAt = moment(options, 'deadlineAt');
  if (deadlineAt !== null && deadlineAt.getTime() <= Math.max(now.getTime(), startAt?.getTime() ?? 0)) {
    throw new InputInvalid('deadlineAt must lie after now and after startAt.');
  }
  const times = { startAt, dueAt: moment(options, 'dueAt'), deadlineAt };
  if (options.repeat === undefined) return { ...times, recurrence: null };
  const first = startAt ?? now;
  const recurrence = recurrenceOf(options.repeat, first);
  if (typeof recurrence === 'string') throw new InputInvalid(`repeat: ${recurrence}.`);
  if (startAt !== null || 'every' in recurrence) return { ...times, recurrence, startAt: first };
  return { ...times, recurrence, startAt: nextOccurrence(recurrence, { scheduledAt: now, now }) };
}

function moment(options: SubmitOptions, name: 'startAt' | 'dueAt' | 'deadlineAt'): Date | null {
  const value: unknown = options[name];
  if (value === undefined) return null;
  if (value instanceof Date && value.getTime() >= 0 && value.getTime() <= LAST_MOMENT) return value;
  throw new InputInvalid(`${name} must be a Date between the years 1970 and 9999.`);
}

function checkDependencies(dependsOn: readonly string[]): void {
  if (!Array.isArray(dependsOn) || dependsOn.length > MAX_DEPENDENCIES) {
    throw new InputInvalid(`dependsOn must be a list of at most ${MAX_DEPENDENCIES} ids of tasks.`);
  }
  const strange = dependsOn.find((id) => typeof id !== 'string' || !isUuid(id));
  if (strange !== undefined) throw new InputInvalid(`dependsOn: "${String(strange)}" is no id of a task.`);
}
