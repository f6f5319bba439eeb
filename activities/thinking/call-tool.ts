import { Context } from '@temporalio/activity';
import { EffectInDoubt } from '../../capabilities/capability-errors.ts';
import { HandlerThrew, parseThrown } from '../../domain/agents/thrown.ts';
import { errorMessage, isStoreOutage } from '../../domain/errors.ts';
import { thrownText } from '../../domain/thrown-text.ts';
import { toolTraits } from '../../domain/tools/governed-tool.ts';
import { recording } from '../../operations/record/recording.ts';
import type { ToolCallPlace, ToolEnd } from '../../operations/record/tool-calls.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { HandlerTimedOut } from '../handler-errors.ts';
import { Beat } from '../tasks/beat.ts';
import { asNodeActivity } from '../tasks/node-activity.ts';
import type { NodeActivity, RunNodeInput } from '../tasks/node-attempt.ts';
import { failForGood, handOver, isStopped, patiently } from '../tasks/settle-node.ts';
import { thinkingAgentOf } from './agent-of-node.ts';
import { type BegunTool, beginTool, type ToolCallResult } from './begin-tool.ts';
import { keptResult } from './kept-result.ts';
import { runTool } from './run-tool.ts';

export interface CallToolInput extends Omit<RunNodeInput, 'closesTask'> {
  readonly closesTask: false;
  readonly step: number;
  readonly index: number;
}

/**
 * Carries out one tool call that a model asked for. Whatever becomes of it is a result that the model reads: a fault of the
 * arguments, a refusal, an error. Only a call that must never be repeated, and may have happened, ends the run.
 */
export function callTool(deps: ActivityDependencies, input: CallToolInput): Promise<ToolCallResult> {
  return asNodeActivity(deps, input, async (activity) => {
    const { execution, nodeId: path, step, index } = activity.input;
    const place = { execution, path, step, index };
    const begun = await beginTool(activity, await thinkingAgentOf(activity), place);
    if (begun.kind !== 'begun') return begun;
    return carryOut(activity, place, begun);
  });
}

async function carryOut(activity: NodeActivity, place: ToolCallPlace, begun: BegunTool): Promise<ToolCallResult> {
  const { deps } = activity;
  await deps.reach('after_tool_call_begun');
  const beat = new Beat();
  try {
    const end = await endOf(activity, place, { begun, beat });
    await deps.reach('after_tool_result_before_record');
    await patiently(() => write(activity, place, { begun, ...end }));
    await deps.reach('after_tool_record_before_report');
  } finally {
    beat.stop();
  }
  return { kind: 'done' };
}

/** A result of a tool, or why there is none. */
type Ended = { readonly value: unknown } | { readonly failure: string };

async function endOf(
  activity: NodeActivity,
  place: ToolCallPlace,
  { begun, beat }: { readonly begun: BegunTool; readonly beat: Beat },
): Promise<Ended> {
  const { cancellationSignal: cancellation } = Context.current();
  try {
    return { value: await runTool(activity, begun, { place, beat, cancellation }) };
  } catch (error) {
    if (cancellation.aborted) {
      await leave(activity, place);
      throw handOver();
    }
    if (isStoreOutage(error)) throw error;
    const doubt = doubtIn(error);
    if (doubt !== null) return inDoubt(activity, place, begun, doubt);
    return { failure: failureText(error, begun) };
  }
}

/** How a failure is told to the model: where nobody knows how far the call came, that too. */
function failureText(error: unknown, { tool }: BegunTool): string {
  if (error instanceof HandlerThrew) return parseThrown(error.thrown).message;
  if (!(error instanceof HandlerTimedOut)) return thrownText(error);
  const { timeoutMs, effect } = toolTraits(tool);
  const late = `it did not end within ${timeoutMs} ms.`;
  return effect === 'none' ? late : `${late} It is unknown whether it happened: find out before you ask for it again.`;
}

/** Leaves a call whose worker shuts down, or whose task is cancelled. What cannot be written counts as a death. */
async function leave({ deps }: NodeActivity, place: ToolCallPlace): Promise<void> {
  if (!isStopped()) return;
  const { tenant } = place.execution;
  const left = recording({ units: deps.database, log: deps.log }, tenant, ({ recorder }) =>
    recorder.toolCallLeft(place),
  );
  await left.catch((error: unknown) => {
    deps.log.warn({ nodeId: place.path, error: errorMessage(error) }, LEFT_UNWRITTEN);
  });
}

const LEFT_UNWRITTEN = 'could not record the handover of a tool call; the next worker counts it as lost';

function doubtIn(error: unknown): EffectInDoubt | null {
  const thrown = error instanceof HandlerThrew ? error.thrown : error;
  return thrown instanceof EffectInDoubt ? thrown : null;
}

/** Nobody may repeat it, and nobody knows: a person has to look. */
function inDoubt(activity: NodeActivity, place: ToolCallPlace, begun: BegunTool, doubt: EffectInDoubt): Promise<never> {
  const failure = { code: doubt.code, message: thrownText(doubt) };
  const result = { text: failure.message, effectKey: doubt.key };
  const end: ToolEnd = { tool: begun.tool.name, state: 'in_doubt', result };
  return failForGood({ ...activity, begun: begun.attempt }, failure, {
    also: ({ recorder }) => recorder.toolCallEnded(place, end),
  });
}

async function write(
  { deps }: NodeActivity,
  place: ToolCallPlace,
  { begun, ...ended }: { readonly begun: BegunTool } & Ended,
): Promise<void> {
  await recording({ units: deps.database, log: deps.log }, place.execution.tenant, async ({ em, recorder }) => {
    const result =
      'failure' in ended
        ? { text: `The tool failed: ${ended.failure}` }
        : await keptResult(em, place, begun, ended.value);
    const state = 'failure' in ended ? ('failed' as const) : ('done' as const);
    await recorder.toolCallEnded(place, { tool: begun.tool.name, state, result });
  });
}
