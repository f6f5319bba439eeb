import type { Command } from 'commander';
import type { OfferedToolRecord, SourceRecord } from '../../entities/tools/offered-tool-repository.ts';
import { tenantName } from '../input/option-values.ts';
import { type Column, formatAge, formatTable, plain, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';

/** `tools`. */
export function addToolsCommand(program: Command): void {
  program
    .command('tools')
    .description('list the tools that workers offer to agents, and the state of each tool source')
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action(action(list));
}

async function list(options: TenantOptions): Promise<void> {
  const view = await withMuster(options, (muster) => muster.call('tools.list', {}));
  new Output(options).result(view, (colors) =>
    [
      view.tools.length === 0 ? 'No worker has offered a tool yet.' : formatTools(view.tools, colors),
      ...(view.sources.length === 0 ? [] : [formatSources(view.sources, colors)]),
    ].join('\n\n'),
  );
}

function formatTools(tools: readonly OfferedToolRecord[], colors: Colors): string {
  const columns: Column<OfferedToolRecord>[] = [
    { title: 'tool', of: ({ name }) => plain(name) },
    { title: 'risk', of: ({ risk }) => risk },
    { title: 'effect', of: ({ effect }) => effect },
    { title: 'time', of: ({ timeoutMs }) => `${timeoutMs / 1_000} s`, align: 'right' },
    { title: 'offered', of: ({ offeredAt }) => formatAge(offeredAt) },
    { title: 'description', of: ({ description }) => shorten(plain(description), 60) },
  ];
  return formatTable(tools, columns, colors);
}

function formatSources(sources: readonly SourceRecord[], colors: Colors): string {
  const columns: Column<SourceRecord>[] = [
    { title: 'source', of: ({ name }) => name },
    {
      title: 'state',
      of: ({ state }) => state,
      paint: (text) => (text.startsWith('ready') ? colors.green(text) : colors.red(text)),
    },
    { title: 'protocol', of: ({ protocol }) => plain(protocol ?? '') },
    { title: 'asked', of: ({ checkedAt }) => formatAge(checkedAt) },
    { title: 'why', of: ({ fault }) => shorten(plain(fault ?? ''), 80) },
  ];
  return formatTable(sources, columns, colors);
}
