import type { Command } from 'commander';
import type { TaskHandle } from '../../client.ts';
import { taskId, tenantName, wholeNumber } from '../input/option-values.ts';
import { paintStatus } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { type TenantOptions, untilInterrupted, withMuster } from '../session.ts';
import { eventData, formatEvent } from './event-line.ts';
import { tellWaits } from './tell-waits.ts';

interface WatchOptions extends TenantOptions {
  readonly after?: number;
}

export function addWatchCommand(program: Command): void {
  program
    .command('watch')
    .description("follow a task's events until it ends; Ctrl-C stops watching, not the task")
    .argument('<task>', "the task's id")
    .option(
      '--after <seq>',
      'start after the event of this number',
      wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    )
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action((task: string, _options: unknown, command: Command) =>
      watch(taskId(task), command.optsWithGlobals<WatchOptions>()),
    );
}

async function watch(id: string, options: WatchOptions): Promise<void> {
  const output = new Output(options);
  await withMuster(options, (muster) =>
    untilInterrupted(follow(muster.task(id), { after: options.after ?? 0, output }), () =>
      output.progress(`Stopped watching; the task ${id} continues.`),
    ),
  );
}

async function follow(task: TaskHandle, { after, output }: { after: number; output: Output }): Promise<void> {
  const ended = new AbortController();
  void tellWaits(task, output, ended.signal);
  try {
    for await (const event of task.events({ after })) {
      output.result(eventData(event), (colors) => formatEvent(event, colors));
    }
  } finally {
    ended.abort();
  }
  const { status } = await task.read();
  output.text(`The task is ${paintStatus(status, output.colors)}.`);
}
