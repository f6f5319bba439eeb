import type { TraceId } from '../../domain/ids.ts';
import type { ModelCallState, ToolCallState } from '../../domain/thinking/states.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { ModelCall } from '../../entities/thinking/model-call.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';

/** What models were given and gave, and what that cost. */
export interface UsageView {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** In millionths of the currency of the installation's prices. */
  readonly costMicros: number;
}

/** One model call of a thinking run, with the calls of tools that it asked for. */
export interface StepView extends UsageView {
  readonly path: RunPath;
  readonly step: number;
  readonly model: string;
  readonly provider: string | null;
  readonly state: ModelCallState;
  /** How often the model was called for it. */
  readonly attempts: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** Why its answer did not fit, or why there is none; null for one that fits. */
  readonly fault: string | null;
  readonly tools: readonly {
    readonly index: number;
    readonly tool: string;
    readonly state: ToolCallState;
    /** What the model reads. Null before the end. */
    readonly result: string | null;
    readonly startedAt: Date | null;
    readonly finishedAt: Date | null;
  }[];
}

const NO_USAGE: UsageView = {
  ...{ inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0, costMicros: 0 },
};

/** The sum of what was used. */
export function sumOf(usages: readonly UsageView[]): UsageView {
  return usages.reduce(
    (sum, one) => ({
      inputTokens: sum.inputTokens + one.inputTokens,
      cachedTokens: sum.cachedTokens + one.cachedTokens,
      outputTokens: sum.outputTokens + one.outputTokens,
      reasoningTokens: sum.reasoningTokens + one.reasoningTokens,
      costMicros: sum.costMicros + one.costMicros,
    }),
    NO_USAGE,
  );
}

/** The steps of one trace, from the rows of its task. */
export function stepsOf(
  traceId: TraceId,
  { models, tools }: { readonly models: readonly ModelCall[]; readonly tools: readonly ToolCall[] },
): readonly StepView[] {
  return models
    .filter((call) => call.traceId === traceId)
    .map((call) =>
      stepView(
        call,
        tools.filter((tool) => isOf(call, tool)),
      ),
    );
}

function isOf(call: ModelCall, tool: ToolCall): boolean {
  return tool.traceId === call.traceId && tool.path === call.path && tool.step === call.step;
}

function stepView(call: ModelCall, tools: readonly ToolCall[]): StepView {
  const { path, step, model, state, attempts, startedAt } = call;
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens, costMicros } = call;
  const why = typeof call.error?.message === 'string' ? call.error.message : null;
  return {
    ...{ path, step, model, state, attempts, startedAt },
    ...{ inputTokens, cachedTokens, outputTokens, reasoningTokens, costMicros },
    provider: call.provider ?? null,
    finishedAt: call.finishedAt ?? null,
    fault: call.fault ?? why,
    tools: tools.map((tool) => ({
      ...{ index: tool.index, tool: tool.tool, state: tool.state, result: tool.result?.text ?? null },
      ...{ startedAt: tool.startedAt ?? null, finishedAt: tool.finishedAt ?? null },
    })),
  };
}
