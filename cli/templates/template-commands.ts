import { type Command, InvalidArgumentError } from 'commander';
import type { Json } from '../../domain/json.ts';
import type { AnswerOf } from '../../operations/register.ts';
import { documentOf } from '../graphs/document-commands.ts';
import { TENANT } from '../graphs/graph-names.ts';
import { fileName, shortText, taskQueueName } from '../input/option-values.ts';
import { type Column, formatTable, plain, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { readParameter } from '../tasks/submit-input.ts';

interface UseOptions extends TenantOptions {
  readonly name: string;
  readonly set?: Readonly<Record<string, Json>>;
  readonly draft?: boolean;
  readonly taskQueue?: string;
}

/** `templates` and what is done with them. */
export function addTemplatesCommand(program: Command): void {
  const templates = program
    .command('templates')
    .description('list the templates of graphs and of components')
    .option(...TENANT)
    .action(action(list));
  templates
    .command('show')
    .description('show a template: its graph, or its schema and defaults')
    .argument('<template>', 'its name', shortText)
    .option(...TENANT)
    .action(action(show));
  templates
    .command('use')
    .description('make a graph of a template')
    .argument('<template>', 'its name', shortText)
    .requiredOption('--name <name>', 'the name of the new graph', shortText)
    .option('--set <pointer=value>', 'a value that differs from the template; may be repeated', setValue)
    .option('--draft', 'write a draft, which `graphs activate` makes active')
    .option('--task-queue <name>', 'the task queue whose workers carry it out', taskQueueName)
    .option(...TENANT)
    .addHelpText('after', EXAMPLE)
    .action(action(use));
  templates
    .command('save')
    .description('save the templates of a file, YAML or JSON; what was made from them stays')
    .argument('<file>', 'the file; - reads standard input', fileName)
    .option(...TENANT)
    .action(action(save));
}

const EXAMPLE = `
Example:
  muster templates use package-tracking --name parcels --set /components/answer/llm/model=fast`;

function setValue(given: string, others: Readonly<Record<string, Json>> = {}): Readonly<Record<string, Json>> {
  const end = given.indexOf('=');
  if (!given.startsWith('/') || end < 0) throw new InvalidArgumentError('Expected a place and a value, like /width=2.');
  return { ...others, [given.slice(0, end)]: readParameter(given.slice(end + 1), undefined) };
}

type Listed = AnswerOf<'templates.list'>;

async function list(options: TenantOptions): Promise<void> {
  const found = await withMuster(options, (muster) => muster.call('templates.list', {}));
  const rows = [
    ...found.agents.map((agent) => ({ ...agent, of: agent.category })),
    ...found.components.map((component) => ({ ...component, of: component.kind, uses: null })),
  ];
  const none = 'No template yet. `muster up` brings those that ship with Muster.';
  new Output(options).result(found, (colors) => (rows.length === 0 ? none : formatTemplates(rows, colors)));
}

interface Row extends Pick<Listed['components'][number], 'name' | 'revision' | 'description'> {
  readonly of: string;
  readonly uses: number | null;
}

function formatTemplates(rows: readonly Row[], colors: Colors): string {
  const columns: Column<Row>[] = [
    { title: 'template', of: ({ name }) => name },
    { title: 'of', of: ({ of }) => of },
    { title: 'revision', of: ({ revision }) => String(revision), align: 'right' },
    { title: 'uses', of: ({ uses }) => (uses === null ? '' : String(uses)), align: 'right' },
    { title: 'does', of: ({ description }) => shorten(description, 80) },
  ];
  return formatTable(rows, columns, colors);
}

async function show(template: string, options: TenantOptions): Promise<void> {
  const found = await withMuster(options, (muster) => muster.call('templates.show', { template }));
  const { of, ...shown } = found;
  new Output(options).result(found, () => `${of} template\n${JSON.stringify(shown, null, 2)}`);
}

async function use(template: string, options: UseOptions): Promise<void> {
  const { name, set, draft, taskQueue } = options;
  const input = { template, name, ...given({ set, draft, taskQueue }) };
  const used = await withMuster(options, (muster) => muster.call('templates.use', input));
  new Output(options).result(used, (colors) =>
    [
      `${colors.bold(used.name)}: version ${used.version}, ${used.status}, of revision ${used.revision} of ${template}`,
      ...used.warnings.map((warning) => colors.yellow(plain(warning))),
    ].join('\n'),
  );
}

async function save(file: string, options: TenantOptions): Promise<void> {
  const document = await documentOf(file);
  const { templates } = await withMuster(options, (muster) => muster.call('templates.save', { document }));
  new Output(options).result(templates, () =>
    templates
      .map(
        ({ name, of, revision }) =>
          `${name}: revision ${revision} of a template of ${of === 'agent' ? 'a graph' : 'components'}`,
      )
      .join('\n'),
  );
}
