import type { Command } from 'commander';
import { taskId, tenantName } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { type TenantOptions, withMuster } from '../session.ts';
import { formatTask } from './task-text.ts';

export function addShowCommand(program: Command): void {
  program
    .command('show')
    .description('show a task: its traces, the runs of their nodes, its output')
    .argument('<task>', "the task's id")
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action((task: string, _options: unknown, command: Command) =>
      show(taskId(task), command.optsWithGlobals<TenantOptions>()),
    );
}

async function show(id: string, options: TenantOptions): Promise<void> {
  const output = new Output(options);
  const view = await withMuster(options, (muster) => muster.task(id).show());
  output.result(view, (colors) => formatTask(view, colors));
}
