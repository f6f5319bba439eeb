import type { Command } from 'commander';
import type { VerifyView } from '../../operations/traces/verify.ts';
import { taskId } from '../input/option-values.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, withMuster } from '../session.ts';
import { TENANT_OPTION, TRACE_OPTION, type TraceOptions } from './replay-command.ts';

/** `verify`: exit code 1 where there is a gap. */
export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description("compare the rows of a task with Temporal's history of its workflow")
    .argument('<task>', "the task's id", taskId)
    .option(...TRACE_OPTION)
    .option(...TENANT_OPTION)
    .action(action(verify));
}

async function verify(id: string, { trace, ...options }: TraceOptions): Promise<void> {
  const view = await withMuster(options, (muster) => muster.call('tasks.verify', { id, ...given({ trace }) }));
  new Output(options).result(view, (colors) => formatVerify(view, colors));
  if (!view.agrees) process.exitCode = 1;
}

const COMPARED: Readonly<Record<VerifyView['history'], string>> = {
  own: "with the history of the trace's workflow",
  shared: 'with the history of the shared execution, which reports no single runs',
  gone: 'among themselves, because Temporal has no history of the workflow',
};

function formatVerify({ taskId: id, trace, agrees, gaps, history, runs }: VerifyView, colors: Colors): string {
  const verdict = agrees ? colors.green('agrees') : colors.red(`${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}`);
  return [
    `${verdict}  task ${id}, trace ${trace}`,
    `  The rows of ${runs} runs were compared ${COMPARED[history]}.`,
    ...gaps.map(({ path, message }) => colors.red(`  ${path === null ? '' : `${plain(path)}: `}${plain(message)}`)),
  ].join('\n');
}
