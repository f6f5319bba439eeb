import type { Command } from 'commander';
import type { DoubtView } from '../../operations/thinking/doubts.ts';
import { tenantName } from '../input/option-values.ts';
import { type Column, formatDateTime, formatTable } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';

export function addDoubtsCommand(program: Command): void {
  program
    .command('doubts')
    .description('list the calls of models and tools of which nobody knows whether they happened')
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action(action(list));
}

const ADVICE =
  'Look each one up on the other side. `muster redrive TASK` calls it again: use it only if it did not happen.';

const COLUMNS: readonly Column<DoubtView>[] = [
  { title: 'since', of: ({ since }) => (since === null ? '' : formatDateTime(since)) },
  { title: 'task', of: ({ taskId }) => taskId },
  { title: 'node', of: ({ path }) => path },
  { title: 'step', of: ({ step, index }) => (index === null ? String(step) : `${step}.${index + 1}`), align: 'right' },
  { title: 'agent', of: ({ agent }) => agent },
  { title: 'called', of: ({ kind, called }) => `${kind} ${called}` },
];

async function list(options: TenantOptions): Promise<void> {
  const output = new Output(options);
  const doubts = await withMuster(options, (muster) => muster.call('thinking.doubts', {}));
  output.result(doubts, (colors) =>
    doubts.length === 0 ? 'Nothing is in doubt.' : `${formatTable(doubts, COLUMNS, colors)}\n${ADVICE}`,
  );
}
