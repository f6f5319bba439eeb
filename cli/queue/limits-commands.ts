import { type Command, Option } from 'commander';
import type { QueueView } from '../../client.ts';
import type { LimitSettings } from '../../domain/limits/limit-settings.ts';
import { gcra, type RateLimit, slidingLog } from '../../domain/limits/rate-limit.ts';
import { kindOfKey } from '../../domain/queues/concurrency-keys.ts';
import { LIMIT_SPANS, type LimitSpan, spanOfKey } from '../../domain/queues/queue-settings.ts';
import { WrongUsage } from '../cli-errors.ts';
import { type LimitValue, limitValue, wholeNumber } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { formatConcurrencyLimits, formatRateLimits } from './queue-text.ts';

interface SetOptions extends TenantOptions {
  readonly burst?: number;
  readonly block?: number;
  readonly sliding?: boolean;
  readonly while?: LimitSpan;
}

interface UnsetOptions extends TenantOptions {
  readonly rate?: boolean;
}

/** `limits`, `limits set` and `limits unset`. */
export function addLimitsCommand(program: Command): void {
  const limits = program
    .command('limits')
    .description('show concurrency limits and rate limits')
    .addHelpText('after', EXAMPLES)
    .action(action(show));
  limits
    .command('set')
    .description('set a limit for the whole installation; it applies within two seconds')
    .argument('<key>', 'tenant:T, user:T/U, graph:G, agent:A, key:T/K, endpoint:E, provider:P, model:M, or kind:*')
    .argument('<value>', '4: tasks at once; 60/10: 60 in 10 seconds; none: no rate limit', limitValue)
    .option(
      '--burst <count>',
      'rate limits: how many at once after a pause',
      wholeNumber({ min: 1, max: 1_000_000_000 }),
    )
    .option(
      '--block <seconds>',
      'rate limits: how long to refuse a caller that exceeds it',
      wholeNumber({ min: 0, max: 31_536_000 }),
    )
    .option('--sliding', 'rate limits: exact in every window, for small limits')
    .addOption(
      new Option('--while <when>', 'of tasks at once: what counts, those that wait included or not').choices(
        LIMIT_SPANS,
      ),
    )
    .addHelpText('after', EXAMPLES)
    .action(action(set));
  limits
    .command('unset')
    .description('remove a limit that was set; its default applies again')
    .argument('<key>', 'the key that it was set for')
    .option('--rate', 'the rate limit of a tenant or user, not its concurrency limit')
    .addHelpText('after', '\nExample:\n  muster limits unset graph:channel-digest')
    .action(action(unset));
}

const EXAMPLES = `
Examples:
  muster limits set graph:channel-digest 4
  muster limits set key:acme/desk 2 --while occupying
  muster limits set endpoint:chat 60/60 --burst 20
  muster limits set provider:acme/tokens 90000/60
  muster limits unset endpoint:chat`;

async function show(options: TenantOptions): Promise<void> {
  const [queue, rates] = await withMuster(options, (muster) =>
    Promise.all([muster.queue({ allTenants: true }), muster.limits.settings()]),
  );
  new Output(options).result(limitsData(queue, rates), (colors) =>
    [formatConcurrencyLimits(queue, colors), formatRateLimits(rates, colors)].join('\n\n'),
  );
}

function limitsData({ limits }: QueueView, { limits: rates, ...tiers }: LimitSettings) {
  return {
    concurrency: limits,
    rates: Object.entries(rates).map(([name, limit]) => ({ name, ...limit })),
    ...tiers,
  };
}

async function set(key: string, value: LimitValue, options: SetOptions): Promise<void> {
  const isRate = value.kind !== 'at_once';
  if (!isRate && (options.burst ?? options.block ?? options.sliding) !== undefined) {
    throw new WrongUsage('--burst, --block and --sliding go with a rate, like 60/10.');
  }
  if (value.kind === 'at_once') {
    refuseRateName(key);
    const settings = await withMuster(options, (muster) => muster.setLimit(key, value.count, { while: options.while }));
    const counted = spanOfKey(settings, key);
    const what = counted === 'open' ? 'are open' : 'occupy a place';
    const data = { key, limit: settings.limits[key] ?? null, while: counted };
    report(options, data, `${key}: at most ${value.count} tasks ${what} at once.`);
    return;
  }
  if (options.while !== undefined) throw new WrongUsage('--while goes with a number of tasks at once, like 4.');
  const rate = value.kind === 'none' ? null : rateOf(value, options);
  await withMuster(options, (muster) => muster.limits.set(key, rate));
  report(options, { key, rate }, rate === null ? `${key} has no rate limit.` : `${key}: ${rateText(rate)}.`);
}

function rateOf({ count, seconds }: Extract<LimitValue, { kind: 'rate' }>, options: SetOptions): RateLimit {
  const { burst, block, sliding = false } = options;
  if (sliding && burst !== undefined)
    throw new WrongUsage('--burst does not go with --sliding: its burst is its limit.');
  const base = { limit: count, perSeconds: seconds, ...given({ blockSeconds: block }) };
  return sliding ? slidingLog(base) : gcra({ ...base, ...given({ burst }) });
}

/** Suggests what was probably meant before the settings refuse the key. @throws WrongUsage */
function refuseRateName(key: string): void {
  if (kindOfKey(key) !== null) return;
  throw new WrongUsage(
    `"${key}" cannot be limited to a number at once: expected tenant:, user:, graph:, agent: or key:NAME. A rate has seconds: \`muster limits set ${key} 60/60\`.`,
  );
}

async function unset(key: string, options: UnsetOptions): Promise<void> {
  const isRate = options.rate === true || kindOfKey(key) === null;
  await withMuster(options, async (muster) => {
    if (isRate) await muster.limits.set(key, 'default');
    else await muster.setLimit(key, null);
  });
  report(options, { key, unset: true }, `${key}: the default applies again.`);
}

function report(options: TenantOptions, data: unknown, text: string): void {
  new Output(options).result(data, () => text);
}

function rateText({ limit, perSeconds, burst, blockSeconds, algorithm }: RateLimit): string {
  const more = algorithm === 'sliding_log' ? ', exact in every window' : burst === limit ? '' : `, ${burst} at once`;
  const block = blockSeconds === 0 ? '' : `; a caller that exceeds it is refused for ${blockSeconds} s`;
  return `at most ${limit} in ${perSeconds} s${more}${block}`;
}
