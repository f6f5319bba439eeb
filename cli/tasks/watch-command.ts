import type { Command } from 'commander';
import type { TaskEvent, TaskHandle, TextEvent } from '../../client.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { eventCursor, taskId, tenantName } from '../input/option-values.ts';
import { formatTime, paintStatus, plain, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, untilInterrupted, withMuster } from '../session.ts';
import { TextScreen } from './text-screen.ts';
import { tellWaits } from './wait-for-task.ts';

const TYPE_WIDTH = 'trace.completed'.length;
const NODE_WIDTH = 22;

/** One event for people: its time, type, node and facts. */
function formatEvent({ at, type, path, data }: TaskEvent, colors: Colors): string {
  const padded = type.padEnd(TYPE_WIDTH);
  const facts = factsOf(data).map(([name, value]) => `${name} ${textOf(value)}`);
  const columns = [colors.dim(formatTime(at)), paint(padded, colors), plain(path ?? '').padEnd(NODE_WIDTH)];
  return `${columns.join('  ')}  ${shorten(facts.join(', '), 100)}`.trimEnd();
}

/** The facts worth showing: a first attempt without a crash is normal. */
function factsOf(data: Json): [string, Json][] {
  if (!isJsonObject(data)) return [];
  return Object.entries(data).filter(
    ([name, value]) => !(name === 'attempt' && value === 1) && !(name === 'crashes' && value === 0),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function paint(type: string, colors: Colors): string {
  if (/completed/.test(type)) return colors.green(type);
  if (/failed/.test(type)) return colors.red(type);
  return /retried|paused|cancelled/.test(type) ? colors.yellow(type) : type;
}

function eventData(event: TaskEvent | TextEvent) {
  const { node: nodeId, ...rest } = event;
  return { ...rest, nodeId };
}

function isText(event: TaskEvent | TextEvent): event is TextEvent {
  return 'step' in event;
}

interface WatchOptions extends TenantOptions {
  readonly after?: string;
}

export function addWatchCommand(program: Command): void {
  program
    .command('watch')
    .description("follow a task's events until it ends; Ctrl-C stops watching, not the task")
    .argument('<task>', "the task's id", taskId)
    .option('--after <cursor>', 'start after the event of this number or cursor', eventCursor)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', '\nA terminal shows what models write as it comes; where the output is piped, --json has it.')
    .action(action(watch));
}

async function watch(id: string, options: WatchOptions): Promise<void> {
  const output = new Output(options);
  await withMuster(options, (muster) =>
    untilInterrupted(follow(muster.task(id), { after: options.after ?? '0', output }), () =>
      output.progress(`Stopped watching; the task ${id} continues.`),
    ),
  );
}

async function follow(task: TaskHandle, { after, output }: { after: string; output: Output }): Promise<void> {
  const ended = new AbortController();
  const screen = new TextScreen(output);
  void tellWaits(task, output, ended.signal);
  try {
    for await (const event of task.events({ after, text: output.json || output.isScreen })) {
      if (isText(event) && !output.json) {
        screen.show(event);
        continue;
      }
      screen.endLine();
      output.result(eventData(event), (colors) => (isText(event) ? '' : formatEvent(event, colors)));
    }
  } finally {
    ended.abort();
  }
  const { status } = await task.read();
  output.text(`The task is ${paintStatus(status, output.colors)}.`);
}
