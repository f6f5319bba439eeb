import type { Command } from 'commander';
import type { ReplayView } from '../../operations/traces/replay.ts';
import { fileNames, taskId, tenantName, traceNumber } from '../input/option-values.ts';
import { loadAgentsModule, mergeHosted } from '../installation/agents-module.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

export interface TraceOptions extends TenantOptions {
  readonly trace?: number;
}

export const TRACE_OPTION = ['--trace <number>', 'which of its traces (default: the newest)', traceNumber] as const;
export const TENANT_OPTION = [
  '--tenant <tenant>',
  'its tenant (default: MUSTER_TENANT, or default)',
  tenantName,
] as const;

/** `replay`: exit code 1 where the replay parts from the record. */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('decide an ended task again from its record, without any call, and compare')
    .argument('<task>', "the task's id", taskId)
    .option(...TRACE_OPTION)
    .option('--agents <file>', 'a module of your agents, by which answers are judged; may be repeated', fileNames)
    .option(...TENANT_OPTION)
    .action(action(replay));
}

interface ReplayOptions extends TraceOptions {
  readonly agents?: readonly string[];
}

async function replay(id: string, { trace, agents = [], ...options }: ReplayOptions): Promise<void> {
  const modules = [];
  for (const file of agents) modules.push(await loadAgentsModule(file, process.cwd()));
  const code = mergeHosted(modules);
  const hosted = [...code.agents, ...code.graphs.flatMap((graph) => graph.handlers)];
  const view = await withMuster({ ...options, hosted }, (muster) =>
    muster.call('tasks.replay', { id, ...given({ trace }) }),
  );
  new Output(options).result(view, (colors) => formatReplay(view, colors));
  if (!view.identical) process.exitCode = 1;
}

function formatReplay(
  { taskId: id, trace, identical, difference, runs, tookMs, digest }: ReplayView,
  colors: Colors,
): string {
  const { evaluated, thinking, unjudged, taken } = runs;
  const verdict = identical ? colors.green('identical') : colors.red('different');
  const counts = `${evaluated} runs were evaluated anew, ${thinking} thinking runs from their answers, ${taken} taken from the record`;
  const parts = difference === null ? [] : [colors.red(`  ${plain(difference.at)}: ${plain(difference.message)}`)];
  const open = unjudged === 0 ? [] : [`  ${unjudged} outputs could not be judged: only their agents' code can.`];
  return [
    `${verdict}  task ${id}, trace ${trace}, in ${tookMs} ms`,
    `  ${counts}.`,
    ...parts,
    ...open,
    colors.dim(`  canonical form ${digest}`),
  ].join('\n');
}
