import { expressionBuilder } from 'kysely';
import {
  isOccupyingTaskStatus,
  OCCUPYING_TASK_STATUSES,
  OPEN_TASK_STATUSES,
  type TaskStatus,
  WAITING_TASK_STATUSES,
} from '../../domain/tasks/task-status.ts';
import { literal } from '../common-expressions.ts';
import type { Tables } from '../tables.ts';

const eb = expressionBuilder<Tables, 'tasks'>();

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
