import { moneyText } from '../../domain/budgets/amounts.ts';
import type { StepView, UsageView } from '../../operations/thinking/steps-view.ts';
import { formatSpan, plain, shorten } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/** How much of a tool's result a tree shows. Characters. */
const MOST_RESULT = 80;

/** The steps of one thinking run as a tree: each model call, and under it the calls of tools that it asked for. */
export function formatSteps(steps: readonly StepView[], colors: Colors): readonly string[] {
  return steps.flatMap((step, place) => {
    const isLast = place === steps.length - 1;
    return [
      `    ${colors.dim(isLast ? '└' : '├')} ${stepLine(step, colors)}`,
      ...step.tools.map((tool, index) => {
        const branch = `${isLast ? ' ' : '│'} ${index === step.tools.length - 1 ? '└' : '├'}`;
        const result = tool.result === null ? '' : `  ${colors.dim(shorten(tool.result, MOST_RESULT))}`;
        const took = tool.startedAt === null ? '' : `  ${formatSpan(tool.startedAt, tool.finishedAt)}`;
        return `    ${colors.dim(branch)} ${plain(tool.tool)}  ${tool.state}${took}${result}`;
      }),
    ];
  });
}

function stepLine(step: StepView, colors: Colors): string {
  const { model, provider, state, attempts, startedAt, finishedAt, fault } = step;
  const by = provider === null ? '' : ` at ${plain(provider)}`;
  const tries = attempts === 1 ? '' : `, ${attempts} calls`;
  const why = fault === null ? '' : `  ${colors.red(shorten(fault, MOST_RESULT))}`;
  return `step ${step.step}  ${plain(model)}${by}  ${state}  ${formatSpan(startedAt, finishedAt)}, ${formatUsage(step)}${tries}${why}`;
}

/** Tokens and money in one phrase. */
export function formatUsage({ inputTokens, outputTokens, costMicros }: UsageView): string {
  return `${inputTokens} + ${outputTokens} tokens, ${moneyText(costMicros)}`;
}
