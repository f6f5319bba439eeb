import type { Command } from 'commander';
import type { WhyView } from '../../client.ts';
import { CAUSE_KINDS, type Cause } from '../../domain/tasks/cause.ts';
import { taskId, tenantName } from '../input/option-values.ts';
import { formatDateTime, formatDuration, paintStatus, plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';

export function addWhyCommand(program: Command): void {
  program
    .command('why')
    .description('say what a task that has not ended waits for, and until when')
    .argument('<task>', "the task's id", taskId)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action(action(why));
}

async function why(id: string, options: TenantOptions): Promise<void> {
  const view = await withMuster(options, (muster) => muster.task(id).why());
  new Output(options).result(view, (colors) => formatWhy(view, colors));
}

function formatWhy({ id, status, causes }: WhyView, colors: Colors): string {
  const head = `${colors.bold(id)}  ${paintStatus(status, colors)}`;
  if (causes.length === 0) return `${head}\nIt waits for nothing: it has ended. \`muster show ${id}\` shows how.`;
  return [head, ...causes.flatMap((cause) => formatCause(cause, colors))].join('\n');
}

function formatCause({ kind, waitsFor, until, path, tasks }: Cause, colors: Colors): string[] {
  const who = path === null ? 'It' : path;
  const when = until === null ? '' : `, until ${formatDateTime(until)}${formatLeft(until)}`;
  const holders = tasks.map((task) => `  task ${task}`);
  return [
    `${who} waits for ${colors.yellow(plain(waitsFor))}${when}.`,
    ...holders,
    colors.dim(`  It ends when: ${CAUSE_KINDS[kind]}`),
  ];
}

function formatLeft(until: Date): string {
  const left = until.getTime() - Date.now();
  return left > 0 ? ` (${formatDuration(left)})` : '';
}
