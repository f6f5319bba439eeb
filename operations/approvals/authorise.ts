import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import type { ApprovalId, GrantId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { ApprovalRequest } from '../../domain/tools/approval-words.ts';
import type { CallDecision } from '../../domain/tools/decide-call.ts';
import type { GovernedTool } from '../../domain/tools/governed-tool.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { type ApprovalRecord, ApprovalRepository } from '../../entities/tools/approval-repository.ts';
import { type CallPlace, GrantRepository, type Rules } from '../../entities/tools/grant-repository.ts';
import type { RecordingUnit } from '../record/recording.ts';
import { callDigest } from './call-digest.ts';
import { isLimited, judgeCall } from './judge-call.ts';

/** A call that a model asked for, before it is made. */
export interface CallAsk {
  readonly execution: ExecutionRef;
  readonly path: RunPath;
  readonly step: number;
  readonly index: number;
  readonly agent: string;
  /** The agents for whom it acts: it may do what all of them may. */
  readonly onBehalfOf: readonly string[];
  readonly tool: GovernedTool;
  /** Of the tool; null where it has none. */
  readonly inputSchema: JsonObject | null;
  readonly arguments: Json;
}

/** Whether a call may be made. The reason is a sentence for people and for the model. */
export type Authorised =
  | {
      readonly verdict: 'allowed';
      /** With what it is to be made: what a person put in place of what was asked, if somebody did. */
      readonly arguments: Json;
      readonly reason: string;
      readonly policyVersion: number;
      readonly grantId: GrantId | null;
      readonly approvalId: ApprovalId | null;
    }
  | {
      readonly verdict: 'denied';
      readonly reason: string;
      readonly policyVersion: number;
      readonly approvalId: ApprovalId | null;
    }
  | {
      readonly verdict: 'waits';
      readonly approvalId: ApprovalId;
      readonly expiresAt: Date;
      readonly reason: string;
      readonly policyVersion: number;
    };

/** How long a person has to decide. */
const APPROVAL_MS = 24 * 3_600_000;

/**
 * Decides whether a call of a tool may be made now, in the unit of work that is about to make it, and records the decision
 * as an event of the trace. It is to be asked again until the call has begun: what a person approved holds only while the
 * arguments are the same, the approval has not expired, and the rules of this moment still grant the call. Repeating it
 * asks nobody twice and counts no use twice.
 */
export async function authorise(unit: RecordingUnit, ask: CallAsk): Promise<Authorised> {
  const place = placeOf(ask);
  const rules = await new GrantRepository(unit.em).rulesOf(
    ask.execution.tenant,
    [ask.agent, ...ask.onBehalfOf],
    ask.tool.name,
  );
  const approval = await new ApprovalRepository(unit.em).ofCall(place);
  const authorised =
    approval === null
      ? await withoutApproval(unit.em, ask, rules)
      : await withApproval(unit.em, ask, { rules, approval });
  // That it still waits is no news.
  if (authorised.verdict !== 'waits' || approval === null) await note(unit, ask, authorised);
  return authorised;
}

function placeOf({ execution, path, step, index }: CallAsk): CallPlace {
  return { tenantId: execution.tenant, taskId: execution.taskId, traceId: execution.traceId, path, step, index };
}

async function withoutApproval(em: SqlEntityManager, ask: CallAsk, rules: Rules): Promise<Authorised> {
  const decision = await judgeCall(em, { ...ask, rules, place: placeOf(ask) });
  const { version: policyVersion } = rules;
  if (decision.verdict === 'denied') return { ...decision, policyVersion, approvalId: null };
  if (decision.verdict === 'approval') return askPerson(em, ask, { rules, decision });
  return letThrough(em, ask, { decision, given: ask.arguments, policyVersion, approvalId: null });
}

type Granted = Exclude<CallDecision, { verdict: 'denied' }>;

async function askPerson(
  em: SqlEntityManager,
  ask: CallAsk,
  { rules, decision }: { readonly rules: Rules; readonly decision: Granted },
): Promise<Authorised> {
  const { version: policyVersion, now } = rules;
  const { reason } = decision;
  const ends = decision.grants.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt.getTime()]));
  const expiresAt = new Date(Math.min(now.getTime() + APPROVAL_MS, ...ends));
  const id = uuid() as ApprovalId;
  const approvals = new ApprovalRepository(em);
  const isNew = await approvals.ask({
    ...placeOf(ask),
    ...{ id, agent: ask.agent, tool: ask.tool.name, request: requestOf(ask, reason) },
    ...{ digest: digestOfAsk(ask, ask.arguments, policyVersion), policyVersion, expiresAt },
  });
  // Another attempt may have asked at this very moment.
  const approval = isNew ? null : await approvals.ofCall(placeOf(ask));
  if (approval !== null) return withApproval(em, ask, { rules, approval });
  return { verdict: 'waits', approvalId: id, expiresAt, reason, policyVersion };
}

/** A longer schema is not kept with the request. Characters of JSON. */
const MOST_SCHEMA_CHARACTERS = 50_000;

function requestOf({ arguments: given, tool, onBehalfOf, inputSchema }: CallAsk, reason: string): ApprovalRequest {
  const isKept = inputSchema !== null && JSON.stringify(inputSchema).length <= MOST_SCHEMA_CHARACTERS;
  const { risk, digest } = tool;
  const ofTool = { ...(digest !== null && { toolDigest: digest }), ...(isKept && { inputSchema }) };
  return { arguments: given, risk, onBehalfOf, reason, ...ofTool };
}

/** A person was asked. What they said counts for the call that they were shown, under the rules of now. */
async function withApproval(
  em: SqlEntityManager,
  ask: CallAsk,
  { rules, approval }: { readonly rules: Rules; readonly approval: ApprovalRecord },
): Promise<Authorised> {
  const { id: approvalId, state, expiresAt, decision, decidedBy } = approval;
  const { version: policyVersion } = rules;
  const fault = approvalFault(ask, approval, rules.now);
  if (fault !== null) return { verdict: 'denied', reason: fault, policyVersion, approvalId };
  const given = argumentsOf(approval);
  const now = await judgeCall(em, { ...ask, arguments: given, rules, place: placeOf(ask) });
  // Also while a person is asked: what they could not approve any more is not worth waiting for.
  if (now.verdict === 'denied') return { ...now, policyVersion, approvalId };
  if (state === 'waiting') {
    return { verdict: 'waits', approvalId, expiresAt, reason: approval.request.reason, policyVersion };
  }
  const edited = decision?.arguments === undefined ? '' : ' with other arguments';
  const reason = `${decidedBy ?? 'A person'} approved it${edited}.`;
  return letThrough(em, ask, { decision: { ...now, reason }, given, policyVersion, approvalId });
}

/** Why what a person said, or did not say, keeps the call from being made; null where it does not. */
function approvalFault(ask: CallAsk, approval: ApprovalRecord, now: Date): string | null {
  const { digest, policyVersion, state, decision, decidedBy, expiresAt } = approval;
  if (state === 'rejected')
    return `${decidedBy ?? 'A person'} rejected it: ${decision?.reason ?? 'no reason was given'}`;
  if (digestOfAsk(ask, ask.arguments, policyVersion) !== digest) {
    return 'The call is not the one that a person was asked about: its arguments were changed.';
  }
  if (expiresAt <= now) return `The time to decide and to call ended at ${expiresAt.toISOString()}.`;
  if (state === 'waiting') return null;
  const isSame = digestOfAsk(ask, argumentsOf(approval), policyVersion) === decision?.digest;
  return isSame ? null : 'The call is not the one that a person approved: what they approved was changed.';
}

function argumentsOf({ request, decision }: ApprovalRecord): Json {
  return decision?.arguments === undefined ? request.arguments : decision.arguments;
}

function digestOfAsk(
  { execution, agent, tool, path, step, index }: CallAsk,
  given: Json,
  policyVersion: number,
): string {
  const { tenant, taskId: task } = execution;
  return callDigest({ agent, tool: tool.name, arguments: given, policyVersion, tenant, task, path, step, index });
}

async function letThrough(
  em: SqlEntityManager,
  ask: CallAsk,
  through: {
    readonly decision: Granted;
    readonly given: Json;
    readonly policyVersion: number;
    readonly approvalId: ApprovalId | null;
  },
): Promise<Authorised> {
  const { decision, given, policyVersion, approvalId } = through;
  const { reason, grants } = decision;
  const limited = grants.filter(isLimited).map(({ id }) => id);
  await new GrantRepository(em).use(limited, placeOf(ask));
  const grantId = grants[0]?.id ?? null;
  return { verdict: 'allowed', arguments: given, reason, policyVersion, grantId, approvalId };
}

/** The event holds no arguments: those stand in the rows of the call and of the approval. */
async function note({ recorder }: RecordingUnit, ask: CallAsk, authorised: Authorised): Promise<void> {
  const { execution, path: nodeId, step, index, tool } = ask;
  const { verdict, reason, policyVersion, approvalId } = authorised;
  const grantId = authorised.verdict === 'allowed' ? authorised.grantId : null;
  const data: JsonObject = { step, index, tool: tool.name, verdict, reason, policyVersion, grantId, approvalId };
  await recorder.eventHappened(execution.traceId, [{ type: 'tool.decided', nodeId, data }]);
}
