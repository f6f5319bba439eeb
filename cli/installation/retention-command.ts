import type { Command } from 'commander';
import { type RetentionReport, remarkOn } from '../../domain/retention/retention.ts';
import { EXIT_FAILED, Interrupted } from '../cli-errors.ts';
import { type Column, formatTable } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type CommonOptions, withMuster } from '../session.ts';

interface RetentionOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

export function addRetentionCommand(program: Command): void {
  program
    .command('retention')
    .description(
      'delete rows past their retention, in batches; Ctrl-C stops between two batches; exit code 1 if a policy failed',
    )
    .option('--dry-run', 'only count what would be deleted')
    .action(action(retain));
}

async function retain(options: RetentionOptions): Promise<void> {
  const output = new Output(options);
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const removed = new Map<string, number>();
  const progress = ({ resource, rows }: RetentionReport) => {
    removed.set(resource, rows);
    if (output.isWatched && rows > 0) output.progress(`${resource}: ${rows} rows removed`);
  };
  try {
    const { dryRun = false } = options;
    const { signal } = interrupt;
    const reports = await withMuster({}, (muster) =>
      muster.call(
        'retention.enforce',
        { dryRun },
        { signal, progress: (report) => progress(report as RetentionReport) },
      ),
    );
    output.result(dataOf(reports, options), (colors) => formatReports(reports, colors, options));
    if (reports.some(({ failure }) => failure !== null)) process.exitCode = EXIT_FAILED;
  } catch (error) {
    throw interrupt.signal.aborted ? stopped(removed) : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function dataOf(reports: readonly RetentionReport[], { dryRun = false }: RetentionOptions) {
  const tables = reports.map(({ resource, maxAgeDays, enabled, rows, buried, failure }) => ({
    ...{ table: resource, policy: { maxAgeDays, enabled }, rows, buried, failure },
  }));
  return { dryRun, tables };
}

function formatReports(
  reports: readonly RetentionReport[],
  colors: Colors,
  { dryRun = false }: RetentionOptions,
): string {
  const columns: Column<RetentionReport>[] = [
    { title: 'table', of: ({ resource }) => resource },
    { title: 'keeps', of: ({ maxAgeDays }) => `${maxAgeDays} days`, align: 'right' },
    { title: dryRun ? 'would delete' : 'deleted', of: ({ rows }) => String(rows), align: 'right' },
    { title: '', of: remarkOn },
  ];
  return formatTable(reports, columns, colors);
}

function stopped(removed: ReadonlyMap<string, number>): Interrupted {
  const total = [...removed.values()].reduce((sum, rows) => sum + rows, 0);
  return new Interrupted(`Stopped between two batches after ${total} rows. Run it again to remove the rest.`);
}
