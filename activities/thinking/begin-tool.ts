import type { Handler } from '../../domain/agents/handler.ts';
import { parseWith, writeSchema } from '../../domain/agents/schema.ts';
import type { Json } from '../../domain/json.ts';
import { isOpenCall } from '../../domain/thinking/states.ts';
import { governedTool } from '../../domain/tools/governed-tool.ts';
import { MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { authorise } from '../../operations/approvals/authorise.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import type { CallPlace, ToolEnd } from '../../operations/record/tool-calls.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import { faultsText } from '../nodes/handler-output.ts';
import { requireBegun } from '../tasks/node-activity.ts';
import type { Begun, NodeActivity } from '../tasks/node-attempt.ts';
import { subjectOf } from '../tasks/run-rows.ts';
import { ONE_ATTEMPT, type ThinkingAgent, toolNamed } from './thinking-agent.ts';

/** A tool call that is to be carried out. */
export interface BegunTool {
  readonly kind: 'begun';
  readonly agent: ThinkingAgent;
  /** As this worker hosts it. */
  readonly tool: Handler;
  readonly arguments: Json;
  /** The same, as the tool's schema reads it. */
  readonly input: unknown;
  /** What tells it from every other call of the run, and is the same in a redriven task that asks the same. */
  readonly key: string;
  readonly attempt: Begun;
}

/** `done`: its result is there for the model. `waits`: a person has to decide, until then. */
export type ToolCallResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'waits'; readonly approvalId: string; readonly expiresAtMs: number };

/** Begins a tool call in one transaction, unless it is done, or has its result without being made. */
export function beginTool(
  activity: NodeActivity,
  agent: ThinkingAgent,
  place: CallPlace,
): Promise<BegunTool | ToolCallResult> {
  const { deps, node } = activity;
  const { execution } = place;
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async (unit) => {
    const begun = await unit.recorder.runBegan(execution, subjectOf(node), ONE_ATTEMPT);
    // A run that has ended reads no result any more.
    if (begun.kind === 'settled') return { kind: 'done' };
    const attempt = requireBegun(activity, begun);
    const repository = new ThinkingRepository(unit.em);
    const row = await repository.tool(place);
    if (row === null || !isOpenCall(row.state)) return { kind: 'done' };
    const tool = toolNamed(agent, row.tool);
    // What a source does not offer any more. All that the model could do is to ask anew.
    if (tool === undefined) {
      return ended(unit, place, { state: 'failed', result: { text: goneText(activity, agent, row.tool) } });
    }
    const same = await repository.sameCalls(place, row.digest);
    const cached = governedTool(tool).effect === 'none' ? same.find(({ state }) => state === 'done') : undefined;
    if (cached?.result) return ended(unit, place, { state: 'done', result: cached.result });
    return beginOpen(unit, place, { agent, tool, row, attempt, key: keyOf(place, row, same) });
  });
}

interface OpenCall extends Pick<BegunTool, 'agent' | 'tool' | 'key' | 'attempt'> {
  readonly row: ToolCall;
}

async function beginOpen(unit: RecordingUnit, place: CallPlace, call: OpenCall): Promise<BegunTool | ToolCallResult> {
  const { row, tool, ...known } = call;
  const asked = row.arguments ?? null;
  const fault = await faultOf(tool, asked);
  if (fault !== null) return ended(unit, place, { state: 'failed', result: { text: fault } });
  const governed = governedTool(tool);
  const agent = known.agent.name;
  const onBehalfOf = await new TaskRepository(unit.em).actsFor(place.execution.taskId);
  const { jsonSchema: inputSchema } = writeSchema(tool.input);
  const ask = { ...place, agent, onBehalfOf, tool: governed, inputSchema, arguments: asked };
  const authorised = await authorise(unit, ask);
  const { verdict, reason, policyVersion } = authorised;
  const decision = { verdict, reason, policyVersion };
  if (authorised.verdict === 'waits') {
    const { approvalId, expiresAt } = authorised;
    await unit.recorder.toolCallWaits(place, { decision, approvalId });
    return { kind: 'waits', approvalId, expiresAtMs: expiresAt.getTime() };
  }
  if (authorised.verdict === 'denied') {
    const text = `The call was not made: ${reason}`;
    return ended(unit, place, { state: 'denied', result: { text }, decision });
  }
  const given = authorised.arguments;
  const parsed = await parseWith(tool.input, given);
  if (!parsed.ok) return ended(unit, place, { state: 'failed', result: { text: faultText(parsed.issues) } });
  const times = await unit.recorder.toolCallBegan(place, decision);
  if (times > MAX_LOSSES) {
    const text = `The tool was called ${MAX_LOSSES} times, and each time its process died.`;
    return ended(unit, place, { state: 'failed', result: { text } });
  }
  return { kind: 'begun', ...known, tool, arguments: given, input: parsed.value };
}

async function faultOf(tool: Handler, given: Json): Promise<string | null> {
  const parsed = await parseWith(tool.input, given);
  return parsed.ok ? null : faultText(parsed.issues);
}

function faultText(issues: Parameters<typeof faultsText>[0]): string {
  return `The call was not made. Its arguments do not fit: ${faultsText(issues)}`;
}

async function ended({ recorder }: RecordingUnit, place: CallPlace, end: ToolEnd): Promise<ToolCallResult> {
  const { execution, path, step, index } = place;
  await recorder.toolCallEnded(place, end);
  const data = { step, index, state: end.state };
  await recorder.eventHappened(execution.traceId, [{ type: 'tool.ended', nodeId: path, data }]);
  return { kind: 'done' };
}

/** @throws HandlerUnknown for code that another worker hosts */
function goneText({ node }: NodeActivity, { thinking, unavailable }: ThinkingAgent, name: string): string {
  const source = thinking.sources.map((one) => one.source).find((one) => name.startsWith(`${one}.`));
  if (source === undefined) throw new HandlerUnknown(node.id, `the tool "${name}"`);
  const why = unavailable.includes(source)
    ? `the tool source "${source}" is unavailable`
    : 'there is no such tool any more';
  return `The call was not made: ${why}.`;
}

/** By what is called, and how often the same was asked before: so a redriven task that asks the same finds its effects. */
function keyOf({ path, step, index }: CallPlace, { tool, digest }: ToolCall, same: readonly ToolCall[]): string {
  const before = same.filter((call) => call.step < step || (call.step === step && call.index < index));
  return `${path}#${tool}/${digest.slice(0, 32)}/${before.length + 1}`;
}
