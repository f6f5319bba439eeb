import type { Command } from 'commander';
import { MAX_DOCUMENT_LENGTH } from '../../domain/graphs/documents/parse-document.ts';
import type { AppliedGraph } from '../../operations/graphs/apply.ts';
import type { GraphReference } from '../../operations/graphs/diff.ts';
import { readText } from '../input/json-object.ts';
import { fileName, taskQueueName } from '../input/option-values.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { graphVersion, TENANT } from './graph-names.ts';

interface ApplyOptions extends TenantOptions {
  readonly dryRun?: boolean;
  readonly draft?: boolean;
  readonly taskQueue?: string;
}

/** `graphs apply` and `graphs diff`. */
export function addDocumentCommands(graphs: Command): void {
  graphs
    .command('apply')
    .description('make the graphs of a file active, YAML or JSON; all of them or none')
    .argument('<file>', 'the file; - reads standard input', fileName)
    .option('--dry-run', 'say what would change, and write nothing')
    .option('--draft', 'write drafts, which `graphs activate` makes active')
    .option('--task-queue <name>', 'the task queue whose workers carry them out', taskQueueName)
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster graphs apply book.yaml --dry-run')
    .action(action(apply));
  graphs
    .command('diff')
    .description('say in words what differs between two versions, or from a file')
    .argument('<from>', 'a graph as NAME or NAME@VERSION, or a file', fileName)
    .argument('<to>', 'the same', fileName)
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster graphs diff book@2 book.yaml')
    .action(action(diff));
}

async function apply(file: string, options: ApplyOptions): Promise<void> {
  const { dryRun, draft, taskQueue } = options;
  const document = await documentOf(file);
  const { graphs } = await withMuster(options, (muster) =>
    muster.call('graphs.apply', { document, ...given({ dryRun, draft, taskQueue }) }),
  );
  new Output(options).result(graphs, (colors) => graphs.map((graph) => appliedText(graph, colors)).join('\n'));
}

/** The text of a file of graphs. */
export async function documentOf(file: string): Promise<string> {
  // A character has at most three bytes of UTF-8 for each of its UTF-16 units.
  return (await readText(file, { maxBytes: 3 * MAX_DOCUMENT_LENGTH, stdin: process.stdin })).text;
}

function appliedText(graph: AppliedGraph, colors: Colors): string {
  const { name, version, status, created, changes, warnings } = graph;
  const number = version === null ? 'a new version' : `version ${version}`;
  const head = `${colors.bold(name)}: ${number}, ${status}${created ? '' : ' (unchanged)'}`;
  return [
    head,
    ...(changes ?? ['no version was active before']).map((change) => `  ${changeText(change, colors)}`),
    ...warnings.map((warning) => colors.yellow(plain(warning))),
  ].join('\n');
}

function changeText(change: string, colors: Colors): string {
  const text = plain(change);
  if (/: (?:added|connected) \(/.test(text)) return colors.green(text);
  return /: (?:removed|disconnected) \(/.test(text) ? colors.red(text) : text;
}

async function diff(from: string, to: string, options: TenantOptions): Promise<void> {
  const references = await Promise.all([from, to].map(referenceOf));
  const [before = {}, after = {}] = references;
  const name = references.find(({ graph }) => graph !== undefined)?.graph;
  const named = (reference: GraphReference) => ({ ...given({ graph: name }), ...reference });
  const found = await withMuster(options, (muster) =>
    muster.call('graphs.diff', { from: named(before), to: named(after) }),
  );
  new Output(options).result(found, (colors) =>
    found.changes.length === 0
      ? 'They are the same.'
      : found.changes.map((change) => changeText(change, colors)).join('\n'),
  );
}

/** A version as NAME or NAME@VERSION, or a file: no name of a graph has a dot or a slash. */
export async function referenceOf(text: string): Promise<GraphReference> {
  return /[./]|^-$/.test(text) ? { document: await documentOf(text) } : graphVersion(text);
}
