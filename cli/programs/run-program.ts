import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { setVariables } from '../../config.ts';
import { WrongUsage } from '../cli-errors.ts';
import { fileName } from '../input/option-values.ts';
import { withScript } from '../models/play-script.ts';
import { CALLED_AS } from '../package.ts';
import { action, type CommonOptions } from '../session.ts';

interface RunOptions extends CommonOptions {
  readonly script?: string;
}

/** What a program prints is not to stand between the lines of a worker that it starts. */
const DEFAULT_VARIABLES = { MUSTER_LOG_LEVEL: 'error' };
const PROVIDE_PACKAGE = new URL(`./provide-package${extname(import.meta.url)}`, import.meta.url).href;

/** `run`: a program of the user that finds the package by its name, also in a clone; with a script, without a key. */
export function addRunCommand(parent: Command): void {
  parent
    .command('run')
    .description('run a program of your own; with a script its models need no key')
    .argument('<program>', 'its TypeScript or JavaScript file', fileName)
    .argument('[arguments...]', 'what it is given; -- goes before those that begin with a dash')
    .option('--script <file>', 'answer for its models from this file, as docs/models.md describes it', fileName)
    .addHelpText('after', '\nExample:\n  muster run triage.ts --script triage.script.json')
    .action(action(run));
}

/** Ends as the program does; with exit code 1 where a script was not played as it says. */
async function run(program: string, given: readonly string[], { script }: RunOptions): Promise<void> {
  const isFile = await stat(program).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new WrongUsage(`${program} is not a file. Name the program to run.`);
  const start = (variables: Readonly<Record<string, string>>) => exitCodeOf(program, given, variables);
  process.exitCode = script === undefined ? await start({}) : await withScript(script, start);
}

async function exitCodeOf(
  program: string,
  given: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<number> {
  const flags = ['--disable-warning=ExperimentalWarning', '--import', PROVIDE_PACKAGE];
  const env = { ...DEFAULT_VARIABLES, ...setVariables(), ...variables, MUSTER_COMMAND: CALLED_AS };
  const child = spawn(process.execPath, [...flags, program, ...given], { stdio: 'inherit', env });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  // A terminal sends Ctrl-C to the program as well, and passed on it would be a second one.
  const leaveToProgram = () => undefined;
  process.on('SIGTERM', passOn).on('SIGINT', leaveToProgram);
  try {
    const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit');
    return typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals];
  } finally {
    process.off('SIGTERM', passOn).off('SIGINT', leaveToProgram);
  }
}
