import type { Command } from 'commander';
import type { Muster } from '../../client.ts';
import type { Evaluation } from '../../domain/evals/define-eval.ts';
import { VERSION_LIMITS } from '../../domain/graphs/kinds.ts';
import { NAME_PATTERN } from '../../domain/graphs/names.ts';
import type { EvalView, EvalWithScores } from '../../operations/evals/view.ts';
import { AgentsModuleInvalid, WrongUsage } from '../cli-errors.ts';
import { shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { importModule } from '../installation/agents-module.ts';
import { type Column, formatAge, formatTable, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface EvalOptions extends TenantOptions {
  readonly graphVersion?: number;
  readonly wait?: boolean;
  readonly fresh?: boolean;
  readonly limit?: number;
}

/** `eval`. */
export function addEvalCommand(program: Command): void {
  program
    .command('eval')
    .description('run an evaluation set against a version of its graph, or list the runs')
    .argument(
      '[set]',
      'a module that exports what defineEval returned, or the name of a set that ran before',
      shortText,
    )
    .option('--graph-version <number>', 'the version of the graph (default: the active one)', version)
    .option('--wait', 'wait until every case is scored; without it, what has ended by now is scored')
    .option('--fresh', 'begin anew although a run of this set and version has not ended')
    .option('--limit <count>', 'how many runs are listed, 1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(
      action((set: string | undefined, options: EvalOptions) =>
        set === undefined ? list(options) : run(set, options),
      ),
    );
}

const version = wholeNumber(VERSION_LIMITS);

const EXAMPLES = `
Examples:
  muster eval evals/support.ts --wait
  muster eval support --graph-version 7 --wait

A second call continues what a first one, or a crash, left unfinished.`;

async function list(options: EvalOptions): Promise<void> {
  const runs = await withMuster(options, (muster) => muster.call('evals.list', given({ limit: options.limit })));
  const none = 'No evaluation yet. `muster eval FILE` runs one.';
  new Output(options).result(runs, (colors) => (runs.length === 0 ? none : formatRuns(runs, colors)));
}

async function run(set: string, options: EvalOptions): Promise<void> {
  const { graphVersion: of, wait = false, fresh } = options;
  const report = await withMuster(options, async (muster) => {
    return muster.evaluate(await evaluationOf(set, muster), { wait, ...given({ version: of, fresh }) });
  });
  new Output(options).result(report, (colors) => describe(report, colors));
}

/** A name is one of a set that ran before; anything else is a module. @throws WrongUsage, AgentsModuleInvalid */
async function evaluationOf(set: string, muster: Muster): Promise<Evaluation> {
  if (!NAME_PATTERN.test(set)) return exported(set, await importModule(set, process.cwd()));
  const [newest] = await muster.call('evals.list', { eval: set, limit: 1 });
  if (newest === undefined) throw new WrongUsage(`No evaluation "${set}" ran yet. Name the module that defines it.`);
  return { set: (await muster.call('evals.show', { id: newest.id })).set, code: {} };
}

function exported(file: string, exports: object): Evaluation {
  const [found, ...more] = Object.values(exports).filter(isEvaluation);
  if (found !== undefined && more.length === 0) return found;
  const fault =
    found === undefined
      ? 'no evaluation set. Export what defineEval returns.'
      : 'several evaluation sets. Give each a module of its own.';
  throw new AgentsModuleInvalid(file, `it exports ${fault}`);
}

function isEvaluation(value: unknown): value is Evaluation {
  return typeof value === 'object' && value !== null && 'set' in value && 'code' in value;
}

function formatRuns(runs: readonly EvalView[], colors: Colors): string {
  const columns: Column<EvalView>[] = [
    { title: 'evaluation', of: (row) => row.eval },
    { title: 'graph', of: ({ graph, version: of }) => `${graph}@${of}` },
    {
      title: 'state',
      of: ({ state, scored, wanted }) => (state === 'running' ? `${scored} of ${wanted} scored` : state),
    },
    { title: 'scores', of: ({ means }) => meansText(means) },
    { title: 'begun', of: ({ createdAt }) => formatAge(createdAt) },
    { title: 'id', of: ({ id }) => id },
  ];
  return formatTable(runs, columns, colors);
}

function meansText(means: EvalView['means']): string {
  const known = Object.entries(means).flatMap(([scorer, mean]) =>
    mean === null ? [] : [`${scorer} ${decimals(mean)}`],
  );
  return known.join(', ');
}

/** A row for each case, a column for each scorer, the means below. */
function describe(report: EvalWithScores, colors: Colors): string {
  const { scored, wanted, graph, version: of, means } = report;
  const cases = report.set.cases.map(({ name }) => name);
  const columns: Column<string>[] = [
    { title: 'case', of: (row) => shorten(row, 40) },
    ...Object.keys(means).map((scorer): Column<string> => {
      return { title: scorer, align: 'right', of: (row) => cell(report, scorer, row) };
    }),
  ];
  const head = `${colors.bold(report.eval)} of ${graph}@${of}: ${scored === wanted ? report.state : `${scored} of ${wanted} scored`}`;
  const table = formatTable([...cases, MEAN], columns, colors);
  const more = scored === wanted ? [] : ['Run the same command again for the rest; --wait waits for it.'];
  return [head, '', table, ...more].join('\n');
}

/** No case has an empty name. */
const MEAN = '';

function cell({ scores, means }: EvalWithScores, scorer: string, row: string): string {
  const mean = means[scorer] ?? null;
  if (row === MEAN) return mean === null ? '' : `mean ${decimals(mean)}`;
  const found = scores.find((score) => score.case === row && score.scorer === scorer);
  return found === undefined ? '…' : decimals(found.score);
}

function decimals(score: number): string {
  return score.toFixed(2);
}
