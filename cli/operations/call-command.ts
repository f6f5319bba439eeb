import type { Command } from 'commander';
import type { Muster } from '../../client.ts';
import { loadConfig } from '../../config.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Operation } from '../../operations/define.ts';
import { nearestName } from '../../options/nearest-name.ts';
import { WrongUsage } from '../cli-errors.ts';
import { readObject } from '../input/json-object.ts';
import { fileName, shortText, tenantName } from '../input/option-values.ts';
import { formatOutput } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { type TenantOptions, withMuster } from '../session.ts';

interface CallOptions extends TenantOptions {
  readonly data?: string;
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly as?: string;
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
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action((name: string, _options: unknown, command: Command) => call(name, command.optsWithGlobals<CallOptions>()));
}

const EXAMPLES = `
Examples:
  muster call tasks.list --data '{"status":"failed","limit":5}'
  muster call tasks.redrive --data '{"all":true}' --dry-run
  muster call queue.pause --data '{"target":"band:low"}' --as ada`;

async function call(name: string, options: CallOptions): Promise<void> {
  const operation = await findOperation(name);
  const input = { ...(await readObject(options, loadConfig().maxInputBytes)), ...dryRun(operation, options) };
  const answer = await withMuster(options, async (muster) => {
    const caller = options.as === undefined ? muster : muster.as(options.as);
    return methodOf(caller, operation)?.(input);
  });
  new Output(options).result(answer ?? null, () => formatOutput(answer ?? null, '--json has all of it'));
}

type Method = (input: object) => Promise<unknown>;

function methodOf({ operations }: Muster, { name }: Operation): Method | undefined {
  const [domain = '', verb = ''] = name.split('.');
  // Each operation reads its input itself: what the compiler knows of it is of use to programs only.
  return (operations as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>)[domain]?.[verb];
}

/** Loaded when it is called for: the operations bring the stores' libraries along. @throws WrongUsage */
export async function findOperation(name: string): Promise<Operation> {
  const { OPERATIONS, operationNamed } = await import('../../operations/register.ts');
  const found = operationNamed(name);
  if (found !== undefined) return found;
  const nearest = nearestName(
    name,
    OPERATIONS.map((operation) => operation.name),
  );
  const hint = nearest === null ? '' : ` Did you mean ${nearest}?`;
  throw new WrongUsage(`There is no operation "${name}".${hint} \`muster operations\` lists them.`);
}

/** @throws WrongUsage */
function dryRun({ name, input }: Operation, options: CallOptions): JsonObject {
  if (options.dryRun !== true) return {};
  if ('dryRun' in input) return { dryRun: true };
  throw new WrongUsage(`${name} has no dry run. \`muster operations ${name}\` shows what it takes.`);
}
