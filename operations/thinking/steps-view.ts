import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { ContextReport } from '../../domain/models/context-budget.ts';
import type { ModelCallState, ToolCallState } from '../../domain/thinking/states.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { ModelCall, StoredAnswer } from '../../entities/thinking/model-call.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { type ApprovalRecord, ApprovalRepository } from '../../entities/tools/approval-repository.ts';

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
  /** What the model said; null before it has answered. */
  readonly answer: string | null;
  /** Why it stopped; null before it has answered. */
  readonly finish: StoredAnswer['finish'] | null;
  /** What of the conversation it was given, in tokens, and what was left out; null where nobody knew how much it takes. */
  readonly context: ContextReport | null;
  readonly tools: readonly ToolCallView[];
}

/** One call of a tool that a model asked for. */
export interface ToolCallView {
  readonly index: number;
  readonly tool: string;
  readonly state: ToolCallState;
  readonly arguments: Json;
  /** Whether it was allowed, and why; null before that was decided, and where nothing was to be decided. */
  readonly decision: JsonObject | null;
  /** What a person was asked and said; null where nobody was asked. */
  readonly approval: Pick<
    ApprovalRecord,
    'id' | 'state' | 'request' | 'decision' | 'decidedBy' | 'decidedAt' | 'expiresAt' | 'createdAt'
  > | null;
  /** What the model reads. Null before the end. */
  readonly result: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
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

/** What the thinking runs of a task have asked for. */
export interface ThinkingRows {
  readonly models: readonly ModelCall[];
  readonly tools: readonly ToolCall[];
  readonly approvals: readonly ApprovalRecord[];
}

/** How many approvals of one task are read, the newest. */
const MOST_APPROVALS = 500;

/** Reads what the thinking runs of a task have asked for, in the caller's transaction. */
export async function readThinking(
  em: SqlEntityManager,
  { id, tenant }: { readonly id: TaskId; readonly tenant: TenantId },
): Promise<ThinkingRows> {
  const { models, tools } = await new ThinkingRepository(em).ofTask(id);
  const isAsked = tools.some(({ approvalId }) => approvalId !== null);
  const which = { tenant, task: id, all: true };
  return { models, tools, approvals: isAsked ? await new ApprovalRepository(em).list(which, MOST_APPROVALS) : [] };
}

/** The steps of one trace, from the rows of its task. */
export function stepsOf(traceId: TraceId, { models, tools, approvals }: ThinkingRows): readonly StepView[] {
  const asked = new Map(approvals.map((approval) => [approval.id as string, approval]));
  const viewOf = (tool: ToolCall) => toolView(tool, asked.get(tool.approvalId ?? '') ?? null);
  return models
    .filter((call) => call.traceId === traceId)
    .map((call) => stepView(call, tools.filter((tool) => isOf(call, tool)).map(viewOf)));
}

function isOf(call: ModelCall, tool: ToolCall): boolean {
  return tool.traceId === call.traceId && tool.path === call.path && tool.step === call.step;
}

function stepView(call: ModelCall, tools: readonly ToolCallView[]): StepView {
  const { path, step, model, state, attempts, startedAt } = call;
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens, costMicros } = call;
  const why = typeof call.error?.message === 'string' ? call.error.message : null;
  return {
    ...{ path, step, model, state, attempts, startedAt },
    ...{ inputTokens, cachedTokens, outputTokens, reasoningTokens, costMicros },
    provider: call.provider ?? null,
    finishedAt: call.finishedAt ?? null,
    fault: call.fault ?? why,
    answer: call.answer?.text ?? null,
    finish: call.answer?.finish ?? null,
    context: call.context ?? null,
    tools,
  };
}

function toolView(call: ToolCall, asked: ApprovalRecord | null): ToolCallView {
  const { index, tool, state, decision = null, result, startedAt = null, finishedAt = null } = call;
  return {
    ...{ index, tool, state, decision, startedAt, finishedAt },
    arguments: call.arguments ?? null,
    approval: asked === null ? null : approvalView(asked),
    result: result?.text ?? null,
  };
}

function approvalView(approval: ApprovalRecord): NonNullable<ToolCallView['approval']> {
  const { id, state, request, decision, decidedBy, decidedAt, expiresAt, createdAt } = approval;
  return { id, state, request, decision, decidedBy, decidedAt, expiresAt, createdAt };
}
