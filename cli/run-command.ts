import { loadConfig } from '../config.ts';
import { describeFailure } from './cli-errors.ts';
import { Output } from './output/output.ts';
import { createProgram, isHelpShown } from './program.ts';

/** Runs one command of the operator's terminal and sets the exit code: 0 done, 1 failed, 2 not understood. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (isHelpShown(error)) return;
    const report = describeFailure(error);
    if (wantsDetails() && report.code === 'unexpected') process.stderr.write(`${stackOf(error)}\n`);
    new Output({ json: argv.includes('--json') }).failure(report);
    process.exitCode = report.exitCode;
  }
}

function wantsDetails(): boolean {
  try {
    return loadConfig().logLevel === 'debug';
  } catch {
    return false;
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
