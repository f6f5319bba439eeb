import type { Command } from 'commander';
import { loadConfig } from '../../config.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Operation } from '../../operations/define.ts';
import type { InputOf, OperationName } from '../../operations/register.ts';
import { WrongUsage } from '../cli-errors.ts';
import { readObject } from '../input/json-object.ts';
import { fileName, shortText, tenantName } from '../input/option-values.ts';
import { type Column, formatOutput, formatTable } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type CommonOptions, given, type TenantOptions, withMuster } from '../session.ts';

interface CallOptions extends TenantOptions {
  readonly data?: string;
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly as?: string;
  readonly key?: string;
}

/** `call`: every operation by its name, with its input as JSON. */
export function addCallCommand(program: Command): void {
  program
    .command('call')
    .description('call an operation by its name; `muster operations` lists them')
    .argument('<operation>', 'its name, like tasks.cancel', shortText)
    .option('--data <json>', 'its input, as a JSON object (default: {})')
    .option('--file <file>', 'the same from a file; - reads standard input', fileName)
    .option('--dry-run', 'only say what it would do')
    .option('--as <user>', 'the user on whose behalf it is called', shortText)
    .option('--key <key>', 'makes a repetition harmless: the same key is the same call', shortText)
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(call));
}

const EXAMPLES = `
Examples:
  muster call tasks.list --data '{"status":"failed","limit":5}'
  muster call tasks.redrive --data '{"all":true}' --dry-run
  muster call queue.pause --data '{"target":"band:low"}' --as ada
  muster call queue.setWeight --data '{"tenant":"acme","weight":3}' --key change-17`;

async function call(name: string, options: CallOptions): Promise<void> {
  const operation = await findOperation(name);
  const input = { ...(await readObject(options, loadConfig().maxInputBytes)), ...dryRun(operation, options) };
  requireFields(operation, input);
  const answer = await withMuster(options, async (muster) => {
    const caller = options.as === undefined ? muster : muster.as(options.as);
    // The operation reads its input itself: the types serve programs only.
    return caller.call(operation.name as OperationName, input as InputOf<OperationName>, given({ key: options.key }));
  });
  new Output(options).result(answer ?? null, () => formatOutput(answer ?? null, '--json has all of it'));
}

/** What is not understood is refused before anything is connected. @throws WrongUsage */
function requireFields(operation: Operation, input: JsonObject): void {
  try {
    operation.parse(input);
  } catch (error) {
    throw new WrongUsage(errorMessage(error));
  }
}

/** Loaded when it is needed: the operations load the stores' libraries. @throws WrongUsage */
async function findOperation(name: string): Promise<Operation> {
  const { operationNamed, unknownOperation } = await import('../../operations/register.ts');
  const found = operationNamed(name);
  if (found === undefined) throw new WrongUsage(`${unknownOperation(name)}.`);
  return found;
}

/** @throws WrongUsage */
function dryRun({ name, input }: Operation, options: CallOptions): JsonObject {
  if (options.dryRun !== true) return {};
  if ('dryRun' in input) return { dryRun: true };
  throw new WrongUsage(`${name} has no dry run. \`muster operations ${name}\` shows what it takes.`);
}

/** `operations`: lists the operations, or shows what one of them takes. Needs no services. */
export function addOperationsCommand(program: Command): void {
  program
    .command('operations')
    .description('list the operations of `muster call`, or show what one of them takes')
    .argument('[operation]', 'its name, like tasks.cancel', shortText)
    .action(
      action((name: string | undefined, options: CommonOptions) =>
        name === undefined ? list(options) : show(name, options),
      ),
    );
}

async function list(options: CommonOptions): Promise<void> {
  const { OPERATIONS } = await import('../../operations/register.ts');
  const found = OPERATIONS.map(factsOf);
  new Output(options).result(found, (colors) => formatOperations(found, colors));
}

async function show(name: string, options: CommonOptions): Promise<void> {
  const operation = await findOperation(name);
  const facts = { ...factsOf(operation), input: operation.inputSchema() };
  new Output(options).result(facts, (colors) =>
    [
      `${colors.bold(facts.name)}  ${facts.summary}`,
      `effect ${facts.effect}, risk ${facts.risk}, permission ${facts.permission}${facts.limit === null ? '' : `, limit ${facts.limit}`}`,
      JSON.stringify(facts.input, null, 2),
    ].join('\n'),
  );
}

function factsOf({ name, summary, effect, risk, permission, limit }: Operation) {
  return { name, summary, effect, risk, permission, limit: limit ?? null };
}

function formatOperations(found: readonly ReturnType<typeof factsOf>[], colors: Colors): string {
  const columns: Column<(typeof found)[number]>[] = [
    { title: 'operation', of: ({ name }) => name },
    { title: 'effect', of: ({ effect }) => effect },
    { title: 'risk', of: ({ risk }) => risk },
    { title: 'permission', of: ({ permission }) => permission },
    { title: 'does', of: ({ summary }) => summary },
  ];
  return formatTable(found, columns, colors);
}
