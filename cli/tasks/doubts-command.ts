import type { Command } from 'commander';
import type { Json } from '../../domain/json.ts';
import type { DoubtView } from '../../operations/thinking/doubts.ts';
import { WrongUsage } from '../cli-errors.ts';
import { jsonValue } from '../input/json-object.ts';
import { tenantName } from '../input/option-values.ts';
import { type Column, formatDateTime, formatTable, plain } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

/** `doubts` and `doubts settle`. */
export function addDoubtsCommand(program: Command): void {
  const doubts = program
    .command('doubts')
    .description('list the calls of models and tools of which nobody knows whether they happened')
    .option(...TENANT)
    .action(action(list));
  doubts
    .command('settle')
    .description('record whether an effect in doubt happened, after a look at the other side')
    .argument('<effect>', 'as the list names it, or the error effect_in_doubt')
    .option(...TENANT)
    .option('--happened', 'a redrive answers from the ledger and does not call it')
    .option('--not-happened', 'a redrive calls it')
    .option('--result <json>', 'with --happened: what the call would have answered (default: null)', jsonValue)
    .action(action(settle));
}

const TENANT = ['--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

const COLUMNS: readonly Column<DoubtView>[] = [
  { title: 'since', of: ({ since }) => (since === null ? '' : formatDateTime(since)) },
  { title: 'task', of: ({ taskId }) => taskId },
  { title: 'node', of: ({ path }) => path },
  { title: 'step', of: ({ step, index }) => (index === null ? String(step) : `${step}.${index + 1}`), align: 'right' },
  { title: 'agent', of: ({ agent }) => agent },
  { title: 'called', of: ({ kind, called }) => `${kind} ${called}` },
  { title: 'effect', of: ({ effect }) => (effect === null ? '' : plain(effect)) },
];

const ADVICE = `Look each one up on the other side. What did not happen: \`muster redrive TASK\` calls it again.
What happened: \`muster doubts settle EFFECT --happened\` first, or a redrive makes it a second time.`;

async function list(options: TenantOptions): Promise<void> {
  const output = new Output(options);
  const doubts = await withMuster(options, (muster) => muster.call('thinking.doubts', {}));
  output.result(doubts, (colors) =>
    doubts.length === 0 ? 'Nothing is in doubt.' : `${formatTable(doubts, COLUMNS, colors)}\n${ADVICE}`,
  );
}

interface SettleOptions extends TenantOptions {
  readonly happened?: boolean;
  readonly notHappened?: boolean;
  readonly result?: Json;
}

async function settle(effect: string, options: SettleOptions): Promise<void> {
  const { happened = false, notHappened = false, result } = options;
  if (happened === notHappened) throw new WrongUsage('Give --happened or --not-happened.');
  if (notHappened && result !== undefined) throw new WrongUsage('--result goes with --happened.');
  const input = { effect, happened, ...given({ result }) };
  const settled = await withMuster(options, (muster) => muster.call('effects.settle', input));
  const next = happened ? 'answers from the ledger' : 'calls it';
  new Output(options).result(settled, () => `Recorded. \`muster redrive ${settled.taskId}\` ${next}.`);
}
