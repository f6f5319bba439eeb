import { flushCompileCache } from 'node:module';
import { inspect } from 'node:util';
import Mocha from 'mocha';
import { MOST_PATIENCE } from '../test/support/eventually.ts';
import { shareStack, startPrivateStack } from '../test/support/stack.ts';

/** One lane of the tests: servers of its own, and one file after another, as its parent hands them out. */
async function runFile(path: string): Promise<void> {
  const mocha = new Mocha({ timeout: 60_000, forbidOnly: true, reporter: 'spec', color: false });
  mocha.addFile(path);
  await mocha.loadFilesAsync();
  // The tests start processes that load what this process has loaded.
  flushCompileCache();
  const failures: string[] = [];
  const runner = mocha.run(() => {
    process.send?.({ passed: runner.stats?.passes ?? 0, failures: [...failures, ...stray.splice(0)] });
  });
  lengthenTimeouts(runner);
  runner.on('fail', (test, error) => failures.push(`${test.fullTitle()}\n${inspect(error)}`));
}

/** Rejections that nothing handled, which Mocha itself would drop: they count as failures of the file that runs. */
const stray: string[] = [];
process.on('unhandledRejection', (error) => void stray.push(`A rejection that nothing handled\n${inspect(error)}`));

/** A timeout only ends what hangs, so it must outlast the most patient wait on a busy machine. */
function lengthenTimeouts(runner: Mocha.Runner): void {
  const seen = new Set<Mocha.Runnable>();
  const lengthen = (runnable: Mocha.Runnable) => {
    if (!seen.has(runnable)) runnable.timeout(runnable.timeout() * MOST_PATIENCE);
    seen.add(runnable);
  };
  runner.on('test', lengthen);
  runner.on('hook', lengthen);
}

const stack = await startPrivateStack();
shareStack(stack);
process.on('message', ({ path }: { path: string | null }) => {
  if (path === null) process.disconnect();
  else
    runFile(path).catch((error: unknown) => {
      process.stderr.write(`${inspect(error)}\n`);
      process.exit(1);
    });
});
process.on('disconnect', () => void stack.close());
process.send?.('ready');
