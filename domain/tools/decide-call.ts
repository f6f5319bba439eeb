import type { GrantId } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import { argumentsFault, conditionFault } from './argument-condition.ts';
import type { GovernedTool } from './governed-tool.ts';
import { readToolPolicy, ruleOf } from './tool-policy.ts';

/** That an agent may use a tool, and within which limits. */
export interface Grant {
  readonly id: GrantId;
  readonly agent: string;
  readonly tool: string;
  /** What the tool was when a person granted it, where it can change: see `GovernedTool.digest`. */
  readonly toolDigest: string | null;
  /** A JSON Schema that the arguments must fit; null for any. */
  readonly condition: JsonObject | null;
  /** Whether a person decides on each call. */
  readonly approval: boolean;
  /** Calls within one task; null for any number. */
  readonly perTask: number | null;
  /** Calls within an hour, over all tasks of the tenant; null for any number. */
  readonly perHour: number | null;
  /** When it ends by itself; null for never. */
  readonly expiresAt: Date | null;
}

/** How often a grant was used before. */
export interface GrantUses {
  readonly inTask: number;
  readonly inHour: number;
}

/** A call that an agent wants to make, and what was ruled about it. */
export interface CallQuestion {
  readonly agent: string;
  /** The agents for whom it acts, which must be granted the same. */
  readonly onBehalfOf: readonly string[];
  readonly tool: GovernedTool;
  readonly arguments: Json;
  /** The tenant's document as it is stored; null for none. */
  readonly policy: unknown;
  /** Grants that were not revoked; others than those of these agents and this tool do not count. */
  readonly grants: readonly Grant[];
  /** By the id of a grant that has limits. */
  readonly uses: ReadonlyMap<string, GrantUses>;
  readonly now: Date;
}

/**
 * `approval`: granted, if a person approves this very call. The grants are those that let it through, the agent's own
 * first; none where the policy needs none.
 */
export type CallDecision =
  | { readonly verdict: 'allowed' | 'approval'; readonly reason: string; readonly grants: readonly Grant[] }
  | { readonly verdict: 'denied'; readonly reason: string };

/** Decides on a call: deny by default. A policy or a condition that cannot be read denies. */
export function decideCall(question: CallQuestion): CallDecision {
  const { tool, policy: document } = question;
  const read = readToolPolicy(document);
  if (!read.ok) return denied(`The tenant's tool policy cannot be used (${read.faults.join('; ')}).`);
  const rule = ruleOf(read.policy, tool);
  const named = `The tool "${tool.name}" (${tool.risk})`;
  if (rule === 'never') return denied(`${named} is never allowed by the tenant's tool policy.`);
  if (rule === 'allow') return { verdict: 'allowed', reason: `${named} needs no grant.`, grants: [] };
  return byGrants(question);
}

/** An agent that acts for others has what all of them have. */
function byGrants(question: CallQuestion): CallDecision {
  const { agent, onBehalfOf, tool } = question;
  const grants: Grant[] = [];
  for (const holder of new Set([agent, ...onBehalfOf])) {
    const found = bestGrant(question, holder);
    const role = holder === agent ? `The agent "${agent}"` : `The agent "${holder}", for whom "${agent}" acts,`;
    if ('fault' in found) return denied(`${role} may not use the tool "${tool.name}": ${found.fault}.`);
    grants.push(found.grant);
  }
  const asks = grants.some(({ approval }) => approval);
  const ids = grants.map(({ id }) => id).join(', ');
  const reason = asks ? `A person decides on each such call (grant ${ids}).` : `It was granted (${ids}).`;
  return { verdict: asks ? 'approval' : 'allowed', reason, grants };
}

/** The agent's grant that lets the call through, one without an approval if there is one; or why none does. */
function bestGrant(question: CallQuestion, holder: string): { readonly grant: Grant } | { readonly fault: string } {
  const { tool, grants } = question;
  const own = grants.filter((grant) => grant.agent === holder && grant.tool === tool.name);
  const judged = own.map((grant) => ({ grant, fault: grantFault(grant, question) }));
  const fitting = judged.filter(({ fault }) => fault === null).map(({ grant }) => grant);
  const grant = fitting.find(({ approval }) => !approval) ?? fitting[0];
  if (grant !== undefined) return { grant };
  return { fault: judged[0]?.fault ?? `it is ${tool.risk} and was not granted` };
}

function grantFault(grant: Grant, { tool, arguments: given, uses, now }: CallQuestion): string | null {
  const { id, condition, perTask, perHour, expiresAt } = grant;
  if (hasChanged(grant, tool.digest)) return `the tool is not the one that the grant ${id} was given for`;
  if (expiresAt !== null && expiresAt <= now) return `the grant ${id} expired at ${expiresAt.toISOString()}`;
  const fault = condition === null ? null : unfitness(condition, given);
  if (fault !== null) return `the arguments do not fit the grant ${id} (${fault})`;
  // Uses that nobody counted are too many.
  const { inTask, inHour } = uses.get(id) ?? { inTask: Number.POSITIVE_INFINITY, inHour: Number.POSITIVE_INFINITY };
  if (perTask !== null && inTask >= perTask) return `the grant ${id} allows ${perTask} calls in a task`;
  if (perHour !== null && inHour >= perHour) return `the grant ${id} allows ${perHour} calls in an hour`;
  return null;
}

/** Whether a grant was given for a tool that was another one then, or that nobody had seen. */
export function hasChanged({ toolDigest }: Pick<Grant, 'toolDigest'>, now: string | null): boolean {
  return now !== null && toolDigest !== now;
}

/** The row may have been written manually: a condition that is none holds for nothing. */
function unfitness(condition: JsonObject, given: Json): string | null {
  return conditionFault(condition) ?? argumentsFault(condition, given);
}

function denied(reason: string): CallDecision {
  return { verdict: 'denied', reason };
}
