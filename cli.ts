#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
import { isNodeTooOld, NodeTooOld } from './domain/system/required-node.ts';

// A reader that has seen enough (`muster tasks | head`) closes the pipe; that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** How long open resources may keep the process alive after its command: a user's module may have opened anything. */
const LINGER_MS = 2_000;

/** Ends the process of a command that has ended, once its output is written. */
function endSoon(): void {
  setTimeout(() => (process.stdout.writableLength > 0 ? endSoon() : process.exit()), LINGER_MS).unref();
}

if (isNodeTooOld(process.versions.node)) {
  process.stderr.write(`muster: ${new NodeTooOld(process.versions.node).message}\n`);
  process.exit(1);
}
// An older Node fails while it loads the commands.
const { runCommand } = await import('./cli/run-command.ts');
await runCommand(process.argv.slice(2));
endSoon();
