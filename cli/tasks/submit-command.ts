import type { Command } from 'commander';
import type { SubmittedTask } from '../../client.ts';
import { loadConfig } from '../../config.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../../domain/tasks/priority.ts';
import { given } from '../input/given.ts';
import { fileName, oneOf, parameter, shortText, tenantName } from '../input/option-values.ts';
import { formatOutput, paintStatus } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { type TenantOptions, withMuster } from '../session.ts';
import { readSubmitInput } from './submit-input.ts';
import { addTimeOptions, type TimeOptions, timesOf } from './submit-times.ts';
import { endFailure, waitForEnd } from './wait-for-task.ts';

interface SubmitCommandOptions extends TenantOptions, TimeOptions {
  readonly input?: string;
  readonly param?: ReadonlyMap<string, string>;
  readonly priority?: PriorityBand;
  readonly user?: string;
  readonly key?: string;
  readonly wait?: boolean;
}

export function addSubmitCommand(program: Command): void {
  const submitCommand = program
    .command('submit')
    .description('submit a task; it waits until a worker takes it')
    .argument('<graph>', 'the graph to run; `muster graphs` lists them')
    .option('-i, --input <file>', 'the input: a document or a JSON object; - reads standard input', fileName)
    .option('-p, --param <name=value>', 'one property of the input; may be repeated', parameter)
    .option('--priority <band>', `${PRIORITY_BANDS.join(', ')} (default: normal)`, oneOf(PRIORITY_BANDS))
    .option('--user <user>', 'the user on whose behalf it runs; tasks of one user never overlap', shortText)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .option('--key <key>', 'an idempotency key: the same key is the same task', shortText)
    .option('--wait', 'wait for the end and print the output');
  addTimeOptions(submitCommand);
  submitCommand.action((graph: string, _options: unknown, command: Command) =>
    submit(graph, command.optsWithGlobals<SubmitCommandOptions>()),
  );
}

async function submit(graph: string, options: SubmitCommandOptions): Promise<void> {
  const output = new Output(options);
  const times = timesOf(options);
  await withMuster(options, async (muster) => {
    const shape = (await muster.graphs()).find(({ name }) => name === graph);
    // A name that is not published is refused by the submit itself, before anything is read.
    const input = shape === undefined ? {} : await readSubmitInput(shape, sourcesOf(options, output));
    const { priority, user, key } = options;
    const task = await muster.submit(graph, input, { ...given({ priority, user, key }), ...times });
    if (options.wait === true) await finish(task, output);
    else output.result(factsOf(task, task.status), () => describe(task));
  });
}

function sourcesOf({ input, param = new Map() }: SubmitCommandOptions, output: Output) {
  if (input === '-' && process.stdin.isTTY) output.progress('Reading standard input; end it with Ctrl-D.');
  return { file: input, parameters: param, maxBytes: loadConfig().maxInputBytes, stdin: process.stdin };
}

function factsOf({ id, workflowId, duplicate }: SubmittedTask, status: string) {
  return { taskId: id, workflowId, status, duplicate };
}

function describe({ id, status, duplicate }: SubmittedTask): string {
  const known = duplicate ? ' (known by its key; nothing was submitted)' : '';
  return `task ${id} ${status}${known}\n\`muster watch ${id}\` follows it, \`muster show ${id}\` shows it.`;
}

async function finish(task: SubmittedTask, output: Output): Promise<void> {
  const view = await waitForEnd(task, { output });
  const { status } = view.task;
  output.result({ ...factsOf(task, status), output: view.output }, (colors) => {
    const head = `task ${task.id} ${paintStatus(status, colors)}`;
    return status === 'completed'
      ? `${head}\n${formatOutput(view.output, `\`muster show ${task.id} --json\` has all of it`)}`
      : head;
  });
  const failure = endFailure(view);
  if (failure !== null) throw failure;
}
