import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { errorClause } from '../../domain/errors.ts';
import { WrongUsage } from '../cli-errors.ts';
import { fileName } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';
import { TENANT_OPTION } from './replay-command.ts';

/** `import`: what `export` wrote. */
export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('import a task that `muster export` wrote: to look, replay and fork, not to run')
    .argument('<file>', 'the file', fileName)
    .option(...TENANT_OPTION)
    .action(action(importTask));
}

async function importTask(file: string, options: TenantOptions): Promise<void> {
  const lines = { [Symbol.asyncIterator]: () => linesOf(resolve(file)) };
  const view = await withMuster(options, (muster) => muster.call('tasks.import', { lines }));
  new Output(options).result(view, () => {
    const what = view.duplicate ? 'It had been imported before, as' : 'Imported as';
    return `${what} task ${view.taskId}. \`muster show ${view.taskId}\` shows it.`;
  });
}

/** A line may be a little longer than what is refused, and not much: a file without any line end must not fill the memory. */
const MOST_PENDING = 9_000_000;

/** The lines of a file, each without its end. @throws WrongUsage for a file that cannot be read */
async function* linesOf(path: string): AsyncGenerator<string> {
  let pending = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8')) {
      const parts = `${pending}${chunk}`.split('\n');
      pending = parts.pop() ?? '';
      yield* parts;
      // Handed on too long as it is, it is refused with its number.
      if (pending.length > MOST_PENDING) break;
    }
  } catch (error) {
    throw new WrongUsage(`${path} cannot be read (${errorClause(error)}). Check the path.`);
  }
  if (pending !== '') yield pending;
}
