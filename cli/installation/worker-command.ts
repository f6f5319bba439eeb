import type { Command } from 'commander';
import type { RunningWorker } from '../../worker.ts';
import { fileNames, taskQueueName } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, type CommonOptions, given } from '../session.ts';
import { loadAgentsModule, mergeHosted } from './agents-module.ts';

interface WorkerCommandOptions extends CommonOptions {
  readonly agents?: readonly string[];
  readonly taskQueue?: string;
}

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('run a worker until SIGTERM or Ctrl-C')
    .option('--agents <file>', 'a module of your own agents, tools and graphs; may be repeated', fileNames)
    .option('--task-queue <name>', 'the task queue to serve (default: MUSTER_TASK_QUEUE, or muster)', taskQueueName)
    .action(action(work));
}

async function work(options: WorkerCommandOptions): Promise<void> {
  const output = new Output(options);
  const modules = [];
  for (const file of options.agents ?? []) modules.push(await loadAgentsModule(file, process.cwd()));
  const hosted = mergeHosted(modules);
  const { runUntilSignal } = await import('../../worker/wire/run-until-signal.ts');
  const ready = ({ workerId, taskQueue }: RunningWorker) =>
    output.result({ ready: true, workerId, taskQueue }, (colors) => {
      return `${colors.green('ready')}  worker ${workerId} serves task queue ${taskQueue}; SIGTERM or Ctrl-C stops it`;
    });
  await runUntilSignal({ ...hosted, ...given({ taskQueue: options.taskQueue }) }, ready);
}
