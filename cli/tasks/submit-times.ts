import type { Command } from 'commander';
import type { SubmitOptions } from '../../client.ts';
import type { TaskId } from '../../domain/ids.ts';
import { RECURRENCE_INTERVALS } from '../../domain/tasks/recurrence.ts';
import { WrongUsage } from '../cli-errors.ts';
import { given } from '../input/given.ts';
import { comingMoment, shortText, taskIds } from '../input/option-values.ts';

/** The options of `submit` that say when a task starts and ends, what it waits for, and whether it comes again. */
export interface TimeOptions {
  readonly startAt?: Date;
  readonly due?: Date;
  readonly deadline?: Date;
  readonly dependsOn?: readonly string[];
  readonly repeat?: string;
  readonly timezone?: string;
  readonly concurrencyKey?: string;
}

export function addTimeOptions(command: Command): void {
  command
    .option(
      '--start-at <moment>',
      'do not start before: 30m, 2h or 7d from now, or a time like 2026-11-23T09:00',
      comingMoment,
    )
    .option('--due <moment>', 'when it should have ended; after that it is overdue', comingMoment)
    .option('--deadline <moment>', 'when it must have ended; after that it fails', comingMoment)
    .option('--depends-on <tasks>', 'ids of tasks that must be completed first, separated by commas', taskIds)
    .option('--repeat <rule>', `${RECURRENCE_INTERVALS.join(', ')}, or a cron pattern like "0 9 * * 1-5"`, shortText)
    .option('--timezone <zone>', 'with --repeat: the time zone of the rule (default: UTC)', shortText)
    .option('--concurrency-key <key>', 'count it under a key of your own; see `muster limits`', shortText)
    .addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples:
  muster submit channel-digest --input talk.md --priority high --wait
  muster submit report --start-at 2h --deadline 1d
  muster submit report --start-at 2026-11-23 --due "2026-11-23 18:00+01:00"
  muster submit report --repeat "0 9 * * 1-5" --timezone Europe/Berlin

A date without a time means midnight. Without a zone, times are local to this machine.`;

/** What of the options a submit takes. @throws WrongUsage */
export function timesOf(options: TimeOptions): SubmitOptions {
  const { startAt, due, deadline, dependsOn, repeat, timezone, concurrencyKey } = options;
  if (timezone !== undefined && repeat === undefined) throw new WrongUsage('--timezone goes with --repeat.');
  return given({
    startAt,
    dueAt: due,
    deadlineAt: deadline,
    dependsOn: dependsOn as readonly TaskId[] | undefined,
    repeat: repeat === undefined ? undefined : ruleOf(repeat, timezone),
    concurrencyKey,
  });
}

/** A word for an interval, or else a pattern, which the submit checks. */
function ruleOf(repeat: string, timezone: string | undefined): NonNullable<SubmitOptions['repeat']> {
  const every = RECURRENCE_INTERVALS.find((interval) => interval === repeat.toLowerCase());
  return every === undefined ? { cron: repeat, ...given({ timezone }) } : { every, ...given({ timezone }) };
}
