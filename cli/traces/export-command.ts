import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Muster } from '../../client.ts';
import { errorClause } from '../../domain/errors.ts';
import { WrongUsage } from '../cli-errors.ts';
import { fileName, oneOf, taskId } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';
import { TENANT_OPTION } from './replay-command.ts';

interface ExportOptions extends TenantOptions {
  readonly out?: string;
  readonly without?: 'contents';
}

/** `export`: into a file, or to standard output. */
export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('write an ended task, its graph and its traces into one file, for another installation')
    .argument('<task>', "the task's id", taskId)
    .option('--out <file>', 'the file to write, in the place of an earlier one (default: standard output)', fileName)
    .option(
      '--without <what>',
      'contents: leave out inputs, outputs, and what models and tools said',
      oneOf(['contents']),
    )
    .option(...TENANT_OPTION)
    .action(action(exportTask));
}

async function exportTask(id: string, { out, without, ...options }: ExportOptions): Promise<void> {
  const contents = without === undefined;
  if (out === undefined) {
    await withMuster(options, (muster) =>
      writePages(muster, { id, contents }, (text) => void process.stdout.write(text)),
    );
    return;
  }
  const path = resolve(out);
  const lines = await withMuster(options, (muster) => writeFile(muster, { id, contents }, path));
  new Output(options).result({ taskId: id, file: path, lines }, () => `The task is in ${path}, ${lines} lines.`);
}

interface Exported {
  readonly id: string;
  readonly contents: boolean;
}

/** Under another name until it is whole. */
async function writeFile(muster: Muster, exported: Exported, path: string): Promise<number> {
  const part = `${path}.part`;
  const file = createWriteStream(part);
  const failed = once(file, 'error').then(([error]) => {
    throw new WrongUsage(
      `The file could not be written to ${path} (${errorClause(error)}). Name another one after --out.`,
    );
  });
  failed.catch(() => undefined);
  try {
    const lines = await Promise.race([
      failed,
      writePages(muster, exported, async (text) => {
        if (!file.write(text)) await Promise.race([failed, once(file, 'drain')]);
      }),
    ]);
    file.end();
    await Promise.race([failed, once(file, 'close')]);
    await rename(part, path);
    return lines;
  } catch (error) {
    file.destroy();
    await rm(part, { force: true });
    throw error;
  }
}

async function writePages(
  muster: Muster,
  { id, contents }: Exported,
  write: (text: string) => void | Promise<void>,
): Promise<number> {
  let [after, count]: [string | null, number] = ['', 0];
  while (after !== null) {
    const page: { lines: readonly string[]; next: string | null } = await muster.call('tasks.export', {
      ...{ id, contents },
      ...(after === '' ? {} : { after }),
    });
    for (const line of page.lines) await write(`${line}\n`);
    count += page.lines.length;
    after = page.next;
  }
  return count;
}
