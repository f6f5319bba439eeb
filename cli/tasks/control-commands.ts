import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { TaskHandle } from '../../client.ts';
import { isTerminalTaskStatus, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { shortText, taskId, tenantName } from '../input/option-values.ts';
import { paintStatus } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';

interface ControlOptions extends TenantOptions {
  readonly reason?: string;
}

/** One thing that can be asked of a task. */
interface Control {
  readonly ask: (task: TaskHandle, options: ControlOptions) => Promise<void>;
  /** Whether a status shows that it has been done. */
  readonly isDone: (status: TaskStatus) => boolean;
  /** Printed while it has not been done. */
  readonly underWay: (task: string) => string;
}

const CANCEL: Control = {
  ask: (task, { reason }) => task.cancel(reason),
  isDone: isTerminalTaskStatus,
  underWay: (task) =>
    `Its nodes were asked to stop, and it ends when they have. \`muster kill ${task}\` ends it at once, even if its worker has died.`,
};
const KILL: Control = {
  ask: (task, { reason }) => task.kill(reason),
  isDone: isTerminalTaskStatus,
  underWay: () => 'It ends now.',
};
const PAUSE: Control = {
  ask: (task) => task.pause(),
  isDone: (status) => status === 'paused' || status === 'deferred' || isTerminalTaskStatus(status),
  underWay: () => 'It pauses as soon as a worker has told its workflow.',
};
const RESUME: Control = {
  ask: (task) => task.resume(),
  isDone: (status) => status !== 'paused' && status !== 'deferred',
  underWay: () => 'It continues as soon as a worker has told its workflow.',
};

/** `cancel`, `kill`, `pause` and `resume`. */
export function addControlCommands(program: Command): void {
  const reason = (command: Command) => command.option('--reason <text>', 'why, for the record', shortText);
  reason(add(program, { name: 'cancel', description: 'end a task; one that waits ends at once', control: CANCEL }));
  reason(
    add(program, { name: 'kill', description: 'end a task at once, whatever state its workflow is in', control: KILL }),
  );
  add(program, { name: 'pause', description: 'start nothing more of a task until it is resumed', control: PAUSE });
  add(program, { name: 'resume', description: 'let a paused task continue', control: RESUME });
}

function add(program: Command, spec: { name: string; description: string; control: Control }): Command {
  return program
    .command(spec.name)
    .description(spec.description)
    .argument('<task>', "the task's id", taskId)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action(action((task: string, options: ControlOptions) => perform(task, spec.control, options)));
}

async function perform(id: string, control: Control, options: ControlOptions): Promise<void> {
  const output = new Output(options);
  await withMuster(options, async (muster) => {
    const task = muster.task(id);
    await control.ask(task, options);
    const status = await settledStatus(task, control);
    output.result({ taskId: id, workflowId: task.workflowId, status }, (colors) => {
      const line = `task ${id} ${paintStatus(status, colors)}`;
      return control.isDone(status) ? line : `${line}\n${control.underWay(id)}`;
    });
  });
}

/** The request is durable once it was accepted; its effect usually shows within this time. */
const SETTLE_MS = 3_000;
const LOOK_EVERY_MS = 50;

async function settledStatus(task: TaskHandle, { isDone }: Control): Promise<TaskStatus> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const { status } = await task.read();
    if (isDone(status) || performance.now() > deadline) return status;
    await pause(LOOK_EVERY_MS);
  }
}
