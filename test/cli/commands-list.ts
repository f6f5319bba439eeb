import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../../cli/program.ts';

/** What every command takes, or every one that concerns rows of a tenant. The page says so once. */
const COMMON: readonly string[] = ['--json', '--tenant'];

/** Every command with its arguments and options, as the list of docs/commands.md. */
export function commandsList(): string {
  return commandsOf(createProgram(), '').join('\n');
}

function commandsOf(parent: Command, path: string): string[] {
  return parent.commands.flatMap((command) => {
    const name = `${path}${command.name()}`;
    return [lineOf(name, command), ...commandsOf(command, `${name} `)];
  });
}

function lineOf(name: string, command: Command): string {
  const typed = [name, ...command.registeredArguments.map(argumentText)].join(' ');
  const options = command.options.filter(({ long }) => !COMMON.includes(long ?? '')).map(optionText);
  const taken = options.length === 0 ? '' : ` Options: ${options.join(', ')}.`;
  return `- \`${typed}\`: ${command.description()}.${taken}`;
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Without its short form. */
function optionText({ flags }: Option): string {
  return `\`${flags.replace(/^-\w, /, '')}\``;
}
