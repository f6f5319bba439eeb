import type { Command } from 'commander';
import type { Fork, ForkOptions } from '../../client.ts';
import { hasErrorCode } from '../../domain/errors.ts';
import { VERSION_LIMITS } from '../../domain/graphs/kinds.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { costText } from '../../operations/traces/fork-consent.ts';
import { readObject } from '../input/json-object.ts';
import { oneOf, shortText, taskId, tenantName, wholeNumber } from '../input/option-values.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface ForkCommandOptions
  extends TenantOptions,
    Pick<
      ForkOptions,
      'trace' | 'version' | 'model' | 'provider' | 'key' | 'title' | 'priority' | 'consent' | 'dryRun'
    > {
  readonly at: string;
  readonly data?: string;
  readonly file?: string;
  readonly yes?: boolean;
  readonly repeatEffects?: boolean;
}

export function addForkCommand(program: Command): void {
  program
    .command('fork')
    .description('run a task again from a point on, as a new task that takes over what ran before')
    .argument('<task>', "the task's id", taskId)
    .requiredOption('--at <path>', 'the first run that runs again: draft, each[3]/draft, or answer#2 for a step')
    .option('--trace <number>', 'the trace that is forked (default: the newest)', wholeNumber(POSITIVE))
    .option('--data <json>', 'the input of all that runs again (default: that of the task)')
    .option('--file <file>', 'the same from a file; - for standard input')
    .option(
      '--graph-version <number>',
      'the version of the graph (default: that of the trace)',
      wholeNumber(VERSION_LIMITS),
    )
    .option('--model <model>', 'the model that thinking agents call', shortText)
    .option('--provider <provider>', 'the only provider of models that is called', shortText)
    .option('--key <key>', 'makes a repetition harmless', shortText)
    .option('--title <title>', 'its title (default: that of the task)')
    .option('--priority <band>', PRIORITY_BANDS.join(', '), oneOf(PRIORITY_BANDS))
    .option('--repeat-effects', 'agree that recorded effects are made again')
    .option('--consent <text>', 'agree to the price that a dry run has named')
    .option('--yes', 'agree to the price, whatever it is')
    .option('--dry-run', 'only say what would run again, and for which price')
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(fork));
}

const POSITIVE = { min: 1, max: 1_000_000 };
const MAX_INPUT_BYTES = 100_000_000;

const EXAMPLES = `
Examples:
  muster fork 019ab3c4-5d6e-7f80-9123-456789abcdef --at draft --dry-run
  muster fork 019ab3c4-5d6e-7f80-9123-456789abcdef --at 'each[3]/draft' --yes
  muster fork 019ab3c4-5d6e-7f80-9123-456789abcdef --at answer#2 --model large --yes`;

async function fork(id: string, options: ForkCommandOptions & { readonly graphVersion?: number }): Promise<void> {
  const { at, data, file, yes = false, repeatEffects = false, graphVersion: version } = options;
  const { trace, model, provider, key, title, priority, consent, dryRun } = options;
  const isGiven = data !== undefined || file !== undefined;
  const input = isGiven ? await readObject(given({ data, file }), MAX_INPUT_BYTES) : undefined;
  const effects = repeatEffects ? ('repeat' as const) : undefined;
  const asked = given({ trace, input, version, model, provider, key, title, priority, consent, dryRun, effects });
  const forked = await withMuster(options, (muster) => untilAgreed(asked, yes, (how) => muster.task(id).fork(at, how)));
  const { task: _, ...report } = forked;
  new Output(options).result(report, (colors) => describe(forked, id, colors));
}

/** How often a price that has changed meanwhile is agreed to again. */
const MOST_PRICES = 5;

/** Agrees to the price that the refusal names, where that is wanted. */
async function untilAgreed(
  options: ForkOptions,
  yes: boolean,
  fork: (how: ForkOptions) => Promise<Fork>,
): Promise<Fork> {
  let how = options;
  for (let left = yes ? MOST_PRICES : 0; ; left -= 1) {
    try {
      return await fork(how);
    } catch (error) {
      const price = hasErrorCode(error) && error.code === 'consent_required' && 'facts' in error ? error.facts : null;
      const consent = (price as { readonly consent?: unknown } | null)?.consent;
      if (left === 0 || typeof consent !== 'string' || consent === how.consent) throw error;
      how = { ...how, consent };
    }
  }
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what} is` : `${count} ${what}s are`;
}

function describe(fork: Fork, id: string, colors: Colors): string {
  const { dryRun, taskId: made, duplicate, takenOver, again, further, cost, effects, warnings, consent } = fork;
  const price = cost.spends ? `It may spend ${costText(cost)}.` : 'It calls no model.';
  const taken = listLine(`${counted(takenOver.length, 'run')} taken over`, takenOver);
  const facts = [
    taken,
    listLine(`${counted(again.length, 'run')} to be run again`, again),
    ...(further.length === 0 ? [] : [listLine('may run for the first time', further)]),
    price,
    ...(effects.length === 0
      ? []
      : [listLine(`${counted(effects.length, 'recorded effect')} to be made again`, effects)]),
    ...warnings.map((warning) => colors.yellow(plain(warning))),
  ];
  if (dryRun) return [...facts, ...(consent === null ? [] : [`--consent ${consent} agrees to this price.`])].join('\n');
  const head = duplicate
    ? `The key is known: ${made} is its fork.`
    : `task ${colors.bold(String(made))} continues ${id}`;
  return [
    head,
    ...(duplicate ? [taken] : facts),
    `\`muster watch ${made}\` follows it, \`muster diff ${id} ${made}\` shows where they part.`,
  ].join('\n');
}

/** How many of a list are named. */
const MOST_NAMED = 12;

function listLine(what: string, names: readonly string[]): string {
  if (names.length === 0) return `${what}.`;
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${what}: ${plain(names.slice(0, MOST_NAMED).join(', '))}${more}.`;
}
