import type { Handler } from '../../domain/agents/handler.ts';
import { parseWith, writeSchema } from '../../domain/agents/schema.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { isOpenCall } from '../../domain/thinking/states.ts';
import { governedTool } from '../../domain/tools/governed-tool.ts';
import { MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { type EffectRow, findKnownEffect } from '../../entities/system/statements/announce-effect.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { authorise } from '../../operations/approvals/authorise.ts';
import { digestOf } from '../../operations/digest-of.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import type { ToolCallPlace, ToolEnd } from '../../operations/record/tool-calls.ts';
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
  /** What the ledger holds of it already, from an earlier trace: then it is not called. */
  readonly known: Pick<EffectRow, 'effectKey' | 'result' | 'fault'> | null;
}

/** The step under which a tool that must never be repeated is an effect of the ledger. */
export const UNSAFE_STEP = 'call';

/** `done`: its result is there for the model. `waits`: a person has to decide, until then. */
export type ToolCallResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'waits'; readonly approvalId: string; readonly expiresAtMs: number };

/** Begins a tool call in one transaction, unless it is done, or has its result without being made. */
export function beginTool(
  activity: NodeActivity,
  agent: ThinkingAgent,
  place: ToolCallPlace,
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
      return ended(unit, place, { tool: row.tool, state: 'failed', result: { text: goneText(activity, agent, row) } });
    }
    const same = await repository.sameCalls(place, row.digest);
    const cached = governedTool(tool).effect === 'none' ? same.find(({ state }) => state === 'done') : undefined;
    if (cached?.result) return ended(unit, place, { tool: tool.name, state: 'done', result: cached.result });
    return beginOpen(unit, place, { agent, tool, row, attempt, digest: row.digest, key: keyOf(place, row, same) });
  });
}

interface OpenCall extends Pick<BegunTool, 'agent' | 'tool' | 'key' | 'attempt'> {
  readonly row: ToolCall;
  /** Of the tool and the arguments with which it is made. */
  readonly digest: string;
}

/**
 * A call that has begun, or is in the ledger, may have happened: the rules of now say nothing of it any more. Every other one
 * is judged.
 */
async function beginOpen(
  unit: RecordingUnit,
  place: ToolCallPlace,
  call: OpenCall,
): Promise<BegunTool | ToolCallResult> {
  const { row } = call;
  const given = givenTo(row);
  if (row.startedAt) return carryOn(unit, place, { call, given, decision: null });
  return (await inLedger(unit, place, { call, given })) ?? judge(unit, place, call);
}

/** What the ledger says of a call that must never be repeated; null where it was not made yet. */
async function inLedger(
  unit: RecordingUnit,
  place: ToolCallPlace,
  { call, given }: { readonly call: OpenCall; readonly given: Json },
): Promise<BegunTool | ToolCallResult | null> {
  const { tool, key, agent, attempt } = call;
  if (governedTool(tool).effect !== 'unsafe') return null;
  const known = await findKnownEffect(unit.em, place.execution, { nodeId: key, step: UNSAFE_STEP });
  if (known === null) return null;
  if (known.state !== 'done')
    return ended(unit, place, { tool: tool.name, state: 'failed', result: { text: IN_DOUBT } });
  const { effectKey, result, fault } = known;
  return {
    ...{ kind: 'begun', agent, tool, key, attempt },
    ...{ arguments: given, input: null, known: { effectKey, result, fault } },
  };
}

const IN_DOUBT =
  'The call was not made: the same call was made before and had no end, so it may have happened, and it must not happen twice.';

async function judge(unit: RecordingUnit, place: ToolCallPlace, call: OpenCall): Promise<BegunTool | ToolCallResult> {
  const { row, tool } = call;
  const asked = row.arguments ?? null;
  const fault = await faultOf(tool, asked);
  if (fault !== null) return ended(unit, place, { tool: tool.name, state: 'failed', result: { text: fault } });
  const agent = call.agent.name;
  const onBehalfOf = await new TaskRepository(unit.em).actsFor(place.execution.taskId);
  const { jsonSchema: inputSchema } = writeSchema(tool.input);
  const ask = { ...place, agent, onBehalfOf, tool: governedTool(tool), inputSchema, arguments: asked };
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
    return ended(unit, place, { tool: tool.name, state: 'denied', result: { text }, decision });
  }
  const { arguments: given, approvalId } = authorised;
  if (approvalId === null) return carryOn(unit, place, { call, given, decision });
  const approved = await madeWith(unit, place, { call, given });
  // One that the ledger has as done is begun all the same, and answered from there.
  const known = approved.key === call.key ? null : await inLedger(unit, place, { call: approved, given });
  if (known?.kind === 'done') return known;
  return carryOn(unit, place, { call: approved, given, decision: { ...decision, arguments: given } });
}

/** A call with what a person put in place of its arguments: it is the same as others that are made with these. */
async function madeWith(
  { em }: RecordingUnit,
  place: ToolCallPlace,
  { call, given }: { readonly call: OpenCall; readonly given: Json },
): Promise<OpenCall> {
  const { tool, digest: asked } = call.row;
  const digest = digestOf([tool, given]);
  if (digest === asked) return call;
  const same = await new ThinkingRepository(em).sameCalls(place, digest);
  return { ...call, digest, key: keyOf(place, { tool, digest }, same) };
}

/** Begins a call that is allowed, or was allowed before. */
async function carryOn(
  unit: RecordingUnit,
  place: ToolCallPlace,
  { call, given, decision }: { readonly call: OpenCall; readonly given: Json; readonly decision: JsonObject | null },
): Promise<BegunTool | ToolCallResult> {
  const { row, tool, digest, ...known } = call;
  const parsed = await parseWith(tool.input, given);
  if (!parsed.ok) {
    const fault = `Its arguments do not fit: ${faultsText(parsed.issues)}`;
    const text = row.startedAt
      ? `It is unknown whether the call happened. ${fault}`
      : `The call was not made. ${fault}`;
    return ended(unit, place, { tool: tool.name, state: 'failed', result: { text } });
  }
  const lost = await unit.recorder.toolCallBegan(place, { decision, digest });
  if (lost >= MAX_LOSSES) {
    const text = `The tool was called ${MAX_LOSSES} times, and each time its process died.`;
    return ended(unit, place, { tool: tool.name, state: 'failed', result: { text } });
  }
  return { kind: 'begun', ...known, tool, arguments: given, input: parsed.value, known: null };
}

/** With what a call was begun: what a person put in place of what was asked, if somebody did. */
function givenTo({ arguments: asked, decision }: ToolCall): Json {
  return (decision && 'arguments' in decision ? decision.arguments : asked) ?? null;
}

async function faultOf(tool: Handler, given: Json): Promise<string | null> {
  const parsed = await parseWith(tool.input, given);
  return parsed.ok ? null : `The call was not made. Its arguments do not fit: ${faultsText(parsed.issues)}`;
}

async function ended({ recorder }: RecordingUnit, place: ToolCallPlace, end: ToolEnd): Promise<ToolCallResult> {
  await recorder.toolCallEnded(place, end);
  return { kind: 'done' };
}

/** @throws HandlerUnknown for code that another worker hosts */
function goneText({ node }: NodeActivity, { thinking, unavailable }: ThinkingAgent, row: ToolCall): string {
  const name = row.tool;
  const source = thinking.sources.map((one) => one.source).find((one) => name.startsWith(`${one}.`));
  if (source === undefined) throw new HandlerUnknown(node.id, `the tool "${name}"`);
  const why = unavailable.includes(source)
    ? `the tool source "${source}" is unavailable`
    : 'there is no such tool any more';
  return row.startedAt ? `It is unknown whether the call happened: ${why}.` : `The call was not made: ${why}.`;
}

/**
 * By what is called, and how often the same was done before: a redriven task that asks the same finds its effects, and a call
 * that failed and is asked again is the same one, since nobody knows how far it came.
 */
function keyOf(
  { path, step, index }: ToolCallPlace,
  { tool, digest }: Pick<ToolCall, 'tool' | 'digest'>,
  same: readonly ToolCall[],
): string {
  const isBefore = (call: ToolCall) => call.step < step || (call.step === step && call.index < index);
  const before = same.filter((call) => isBefore(call) && call.state === 'done');
  return `${path}#${tool}/${digest.slice(0, 32)}/${before.length + 1}`;
}
