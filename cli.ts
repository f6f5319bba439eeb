#!/usr/bin/env -S node --max-semi-space-size=4
import { describeFailure } from './cli/cli-errors.ts';
import { Output } from './cli/output/output.ts';
import { createProgram, isHelpShown } from './cli/program.ts';
import { loadConfig } from './config.ts';

/** Runs one command of the operator's terminal and sets the exit code: 0 done, 1 failed, 2 not understood. */
async function main(argv: readonly string[]): Promise<void> {
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

// A reader that has seen enough (`muster tasks | head`) closes the pipe; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** How long what a command left open may keep its process alive: a module of the user's may have opened anything. */
const LINGER_MS = 2_000;

/** Ends the process of a command that has ended, once what it printed is taken. */
function endSoon(): void {
  setTimeout(() => (process.stdout.writableLength > 0 ? endSoon() : process.exit()), LINGER_MS).unref();
}

await main(process.argv.slice(2));
endSoon();
