import type { Command } from 'commander';
import type { Operation } from '../../operations/define.ts';
import { shortText } from '../input/option-values.ts';
import { type Column, formatTable } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { findOperation } from './call-command.ts';

interface OperationsOptions {
  readonly json?: boolean;
}

/** `operations`: what can be called, and what one of them takes. Needs no services. */
export function addOperationsCommand(program: Command): void {
  program
    .command('operations')
    .description('list the operations of `muster call`, or show what one of them takes')
    .argument('[operation]', 'its name, like tasks.cancel', shortText)
    .action((name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<OperationsOptions>();
      return name === undefined ? list(options) : show(name, options);
    });
}

async function list(options: OperationsOptions): Promise<void> {
  const { OPERATIONS } = await import('../../operations/register.ts');
  const found = OPERATIONS.map(factsOf);
  new Output(options).result(found, (colors) => formatOperations(found, colors));
}

async function show(name: string, options: OperationsOptions): Promise<void> {
  const operation = await findOperation(name);
  const facts = { ...factsOf(operation), input: operation.inputSchema() };
  new Output(options).result(facts, (colors) =>
    [
      `${colors.bold(facts.name)}  ${facts.summary}`,
      `effect ${facts.effect}, permission ${facts.permission}${facts.limit === null ? '' : `, limit ${facts.limit}`}`,
      JSON.stringify(facts.input, null, 2),
    ].join('\n'),
  );
}

function factsOf({ name, summary, effect, permission, limit }: Operation) {
  return { name, summary, effect, permission, limit: limit ?? null };
}

function formatOperations(found: readonly ReturnType<typeof factsOf>[], colors: Colors): string {
  const columns: Column[] = [{ title: 'operation' }, { title: 'effect' }, { title: 'permission' }, { title: 'does' }];
  const rows = found.map(({ name, effect, permission, summary }) => [name, effect, permission, summary]);
  return formatTable(columns, rows, colors);
}
