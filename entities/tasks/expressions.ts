import { expressionBuilder, sql } from 'kysely';
import {
  isOccupyingTaskStatus,
  OCCUPYING_TASK_STATUSES,
  OPEN_TASK_STATUSES,
  type TaskStatus,
  WAITING_TASK_STATUSES,
} from '../../domain/tasks/task-status.ts';
import type { Tables } from '../tables.ts';

const eb = expressionBuilder<Tables, 'tasks'>();

/** A status as a literal: with a parameter, a prepared plan could not use the indexes that hold some statuses only. */
export const literal = (status: TaskStatus) => sql.lit(status);
const literals = (statuses: readonly TaskStatus[]) => statuses.map(literal);
export const OPEN = literals(OPEN_TASK_STATUSES);
/** Open, and in need of a place in a worker; and open without. */
export const OCCUPYING = literals(OCCUPYING_TASK_STATUSES);
export const SPARING = literals(OPEN_TASK_STATUSES.filter((status) => !isOccupyingTaskStatus(status)));
export const WAITING = literals(WAITING_TASK_STATUSES);
export const NOT_ENDED = literals([...WAITING_TASK_STATUSES, ...OPEN_TASK_STATUSES]);
/** Ends after which what depends on a task cannot come. */
export const WITHOUT_RESULT = literals(['failed', 'cancelled']);
export const IS_PENDING = eb('status', '=', literal('pending'));

/** The database's time, at which the transaction began. */
export const now = () => eb.fn<Date>('now');

/** So many seconds before {@link now}. */
export const ago = (seconds: number) => {
  const none = sql.lit(0);
  return eb(now(), '-', eb.fn<Date>('make_interval', [none, none, none, none, none, none, eb.val(seconds)]));
};

/** A list as one parameter, to compare with: the text of the statement does not depend on its length. */
export const anyOf = <Value>(values: readonly Value[]) => eb.fn.any(eb.val([...values]));
