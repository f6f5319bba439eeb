import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { GraphVersion } from '../../entities/graphs/graph-repository.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import type { VersionMove } from '../../operations/graphs/life.ts';
import { fileName, shortText } from '../input/option-values.ts';
import { type Column, formatDateTime, formatTable, plain, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';
import { addCheckCommand } from './check-command.ts';
import { addDocumentCommands } from './document-commands.ts';
import { graphVersion, type NamedGraph, TENANT, versionNumber } from './graph-names.ts';
import { graphText } from './graph-text.ts';

/** `graphs` and what is done with their versions. */
export function addGraphsCommand(program: Command): void {
  const graphs = program
    .command('graphs')
    .description('list the graphs that can be submitted, and what they take')
    .option(...TENANT)
    .action(action(list));
  graphs
    .command('show')
    .description('draw a graph and list its versions')
    .argument('<graph>', 'its name; NAME@VERSION for another version than the active one', graphVersion)
    .option('--svg <file>', 'write its picture to a file', fileName)
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster graphs show channel-digest --svg channel-digest.svg')
    .action(action(show));
  addDocumentCommands(graphs);
  addCheckCommand(graphs);
  move(graphs, 'activate', 'make a version the one that submits take, and archive the one before');
  move(graphs, 'archive', 'take a version out of use; its tasks keep it');
}

function move(graphs: Command, verb: 'activate' | 'archive', description: string): void {
  graphs
    .command(verb)
    .description(description)
    .argument('<graph>', 'its name', shortText)
    .argument('<version>', 'the number of the version', versionNumber)
    .option(...TENANT)
    .action(
      action(async (graph: string, version: number, options: TenantOptions) => {
        const moved = await withMuster(options, (muster) => muster.call(`graphs.${verb}`, { graph, version }));
        new Output(options).result(moved, () => moveText(moved));
      }),
    );
}

function moveText({ name, version, status, repeated }: VersionMove): string {
  return `Version ${version} of ${name} is ${repeated ? 'already' : 'now'} ${status}.`;
}

async function list(options: TenantOptions): Promise<void> {
  const found = await withMuster(options, (muster) => muster.graphs());
  const data = found.map(({ name, version, description, nodeCount, taskQueue, documentProperty, inputSchema }) => ({
    ...{ name, version, description, nodes: nodeCount, taskQueue, documentProperty, inputSchema },
  }));
  const none = 'No graph is active yet. `muster up` publishes those that ship with Muster.';
  new Output(options).result(data, (colors) => (found.length === 0 ? none : formatGraphs(found, colors)));
}

function formatGraphs(found: readonly GraphHead[], colors: Colors): string {
  const columns: Column<GraphHead>[] = [
    { title: 'graph', of: ({ name }) => name },
    { title: 'version', of: ({ version }) => String(version), align: 'right' },
    { title: 'nodes', of: ({ nodeCount }) => String(nodeCount), align: 'right' },
    { title: 'takes', of: ({ documentProperty }) => (documentProperty === null ? 'JSON' : 'document') },
    { title: 'task queue', of: ({ taskQueue }) => taskQueue },
    { title: 'does', of: ({ description }) => shorten(description, 80) },
  ];
  return formatTable(found, columns, colors);
}

interface ShowOptions extends TenantOptions {
  readonly svg?: string;
}

async function show(named: NamedGraph, options: ShowOptions): Promise<void> {
  const [shown, versions] = await withMuster(options, (muster) =>
    Promise.all([muster.call('graphs.show', named), muster.call('graphs.versions', { graph: named.graph })]),
  );
  const { svg } = options;
  // Loaded here: the library of the layout is not needed by any other command.
  if (svg !== undefined) await writeFile(svg, (await import('./graph-svg.ts')).graphSvg(shown.definition));
  new Output(options).result({ ...shown, versions }, (colors) =>
    [
      `${colors.bold(shown.name)} ${shown.version} ${shown.status}`,
      ...(shown.description === '' ? [] : [plain(shown.description)]),
      `\n${graphText(shown.definition, colors)}\n`,
      formatVersions(versions, colors),
      ...(svg === undefined ? [] : [`\nIts picture: ${svg}`]),
    ].join('\n'),
  );
}

function formatVersions(versions: readonly GraphVersion[], colors: Colors): string {
  const columns: Column<GraphVersion>[] = [
    { title: 'version', of: ({ version }) => String(version), align: 'right' },
    { title: 'status', of: ({ status }) => status, paint: (text) => paintLife(text, colors) },
    { title: 'written', of: ({ createdAt }) => formatDateTime(createdAt) },
    { title: 'first active', of: ({ publishedAt }) => formatDateTime(publishedAt) },
  ];
  return formatTable(versions, columns, colors);
}

function paintLife(text: string, colors: Colors): string {
  if (text.startsWith('active')) return colors.green(text);
  return text.startsWith('draft') ? colors.yellow(text) : colors.dim(text);
}
