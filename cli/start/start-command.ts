import { readFile, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { TextDocument } from '../../client/read-document.ts';
import type { TaskView } from '../../client.ts';
import type { Config } from '../../config.ts';
import { errorClause } from '../../domain/errors.ts';
import type { Connections } from '../../servers/services.ts';
import type { RunningWorker } from '../../worker.ts';
import { fileName, shortText } from '../input/option-values.ts';
import { loadInstallation, setUp } from '../installation/installation-commands.ts';
import { formatDuration, plain } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { CALLED_AS, PACKAGE } from '../package.ts';
import { action, type CommonOptions, given, thenClose, withMuster } from '../session.ts';
import { endFailure, waitForEnd } from '../tasks/wait-for-task.ts';
import { type DigestSource, readDigestSource } from './digest-source.ts';
import { formatDigest, reportOf } from './digest-text.ts';

interface StartOptions extends CommonOptions {
  readonly chat?: string;
}

const GRAPH = 'channel-digest';

export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('set everything up and digest a text: yours, or the sample that ships with Muster')
    .argument('[file]', 'a chat export or its folder, meeting notes or prose; - reads standard input', fileName)
    .option('--chat <name>', 'which chat of an export that holds several', shortText)
    .action(action(start));
}

async function start(file: string | undefined, options: StartOptions): Promise<void> {
  const output = new Output(options);
  const config = await loadInstallation();
  // Read before the set-up, which takes minutes the first time, so that a wrong path fails at once.
  const document = await readDigestSource(file ?? sampleFile(), {
    maxBytes: config.maxInputBytes,
    stdin: process.stdin,
  });
  const connections = await setUp(output, config);
  const worker = await openWorker(output, config);
  const carryOut = async () => {
    await nameOtherWorkers(worker, { output, connections });
    const view = await digest({ ...document, chat: options.chat }, { output, worker });
    const failure = endFailure(view);
    if (failure !== null) throw failure;
    await tell(view, { document, output, config, connections });
  };
  await thenClose(carryOut, () => worker.stop());
}

function sampleFile(): string {
  return join(PACKAGE.folder, 'examples', 'data', 'standup.txt');
}

async function openWorker(output: Output, config: Config): Promise<RunningWorker> {
  const { startWorker } = await import('../../worker.ts');
  // Errors only: the progress has the rest.
  const level = config.logLevel === 'info' ? 'error' : config.logLevel;
  const worker = await startWorker({ log: pino({ name: 'muster', level }, pino.destination(2)) });
  output.progress(`worker: ready (${worker.workerId})`);
  return worker;
}

/** Warns that another worker of the task queue may take the task, and may run other code. */
async function nameOtherWorkers(
  worker: RunningWorker,
  { output, connections }: Pick<Told, 'output' | 'connections'>,
): Promise<void> {
  const { otherWorkers } = await import('../../worker/wire/other-workers.ts');
  const others = await otherWorkers(connections.databaseUrl, worker);
  if (others.length === 0) return;
  output.progress(
    `worker: the task queue ${worker.taskQueue} is also served by ${others.join(', ')}, which may carry out this task ` +
      'with its own version of the code. Stop it, or set MUSTER_TASK_QUEUE, to be sure whose work you see.',
  );
}

async function digest(
  { name, text, names, chat }: DigestSource & { readonly chat: string | undefined },
  { output, worker }: { output: Output; worker: RunningWorker },
): Promise<TaskView> {
  const failed = worker.stopped.then(() => new Promise<never>(() => {}));
  failed.catch(() => undefined);
  return withMuster({}, async (muster) => {
    const input = { name, text, ...given({ names, chat }) };
    const task = await muster.submit(GRAPH, input);
    output.progress(`task: ${task.id} runs ${GRAPH} on ${plain(name)}`);
    return Promise.race([waitForEnd(task, { output, always: true }), failed]);
  });
}

interface Told {
  readonly document: TextDocument;
  readonly output: Output;
  readonly config: Config;
  readonly connections: Connections;
}

async function tell(view: TaskView, { document, output, config, connections }: Told): Promise<void> {
  const { id, workflowId, startedAt, completedAt, status } = view.task;
  const reportFile = await writeReport(view, { name: document.name, output });
  const webUi = webUiAddress(connections.temporalUiUrl, config.services.temporalNamespace, workflowId);
  const took = formatDuration((completedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0));
  const facts = { taskId: id, workflowId, status, report: reportFile, webUi, output: view.output };
  output.result(facts, (colors) => {
    const nodes = view.traces.at(-1)?.runs.filter((run) => run.status === 'ok').length ?? 0;
    const next: [string, string | null][] = [
      ['report', reportFile],
      ['trace', `${CALLED_AS} show ${id}`],
      ['Web UI', webUi],
      ['services', `stay up; ${CALLED_AS} down stops those that Muster started`],
    ];
    return [
      '',
      formatDigest(view.output, colors),
      '',
      colors.dim(`${nodes} nodes in ${took}. Where to look next:`),
      ...next.flatMap(([label, text]) => (text === null ? [] : [`  ${label.padEnd(9)} ${colors.cyan(text)}`])),
    ].join('\n');
  });
}

/** Writes the report into the working directory and returns its path; null if it cannot be written. */
async function writeReport(view: TaskView, { name, output }: { name: string; output: Output }): Promise<string | null> {
  const report = reportOf(view.output);
  if (report === null) return null;
  const path = await reportPath(process.cwd(), { name, report });
  try {
    await writeFile(path, report);
    return path;
  } catch (error) {
    output.progress(`report: ${path} could not be written (${errorClause(error)}); the trace below has it.`);
    return null;
  }
}

/** The report of `talk.json` does not overwrite that of `talk.txt`: if the short name is taken, it keeps its ending. */
export async function reportPath(folder: string, { name, report }: { name: string; report: string }): Promise<string> {
  const short = join(folder, reportName(name));
  const there = await readFile(short, 'utf8').catch(() => null);
  const isOfAnother = there !== null && titleOf(there) !== titleOf(report);
  return isOfAnother ? join(folder, reportName(name, { whole: true })) : short;
}

function titleOf(report: string): string {
  return report.slice(0, 1_000).split('\n')[0] ?? '';
}

/** The report's file name for a document of this name. */
export function reportName(name: string, { whole = false }: { whole?: boolean } = {}): string {
  const { name: short, base } = parse(name);
  const stem = (whole ? base : short).replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '');
  return `${stem === '' ? 'text' : stem.slice(0, 100)}.digest.md`;
}

/** The page of one execution in the Temporal Web UI; null where there is no Web UI. */
export function webUiAddress(uiUrl: string | null, namespace: string, workflowId: string): string | null {
  if (uiUrl === null) return null;
  const base = uiUrl.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
