import { z } from 'zod';
import { type GrantId, isUuid } from '../../domain/ids.ts';
import { isJsonObject, type JsonObject, notJson, toJson } from '../../domain/json.ts';
import { conditionFault } from '../../domain/tools/argument-condition.ts';
import { type GrantRecord, GrantRepository } from '../../entities/tools/grant-repository.ts';
import { OfferedToolRepository } from '../../entities/tools/offered-tool-repository.ts';
import { granteeName, moment, text, wholeNumber, yesOrNo } from '../../options/fields.ts';
import { GrantUnknown } from '../approvals/approval-errors.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { nameWarnings } from './name-warnings.ts';

/** What every change of what agents may do declares alike. */
export const GRANT_CHANGE = {
  ...({ effect: 'write', risk: 'high_risk', permission: 'grants:admin', by: 'person', unit: 'tenant' } as const),
};

/** A new grant. */
export interface AllowInput {
  readonly agent: string;
  readonly tool: string;
  /** A JSON Schema that the arguments of each call must fit. @defaultValue any arguments */
  readonly where?: JsonObject;
  /** Whether a person decides on each call. @defaultValue false */
  readonly approval?: boolean;
  /** Calls in one task. @defaultValue any number */
  readonly perTask?: number;
  /** Calls in an hour, over all tasks of the tenant. @defaultValue any number */
  readonly perHour?: number;
  /** @defaultValue never */
  readonly expiresAt?: Date;
}

/** A change of what agents may do: the tenant's policy has this version since. */
export interface GrantChange {
  readonly grant: GrantRecord;
  readonly policyVersion: number;
}

/** A new grant, which counts whatever the warnings say: an agent, or a tool, may come later. */
export interface Allowed extends GrantChange {
  /** What looks like a mistake, a sentence each. */
  readonly warnings: readonly string[];
}

const calls = wholeNumber({ min: 1, max: 1_000_000 }).optional();

export const allowTool = defineOperation({
  ...GRANT_CHANGE,
  name: 'grants.allow',
  summary: 'Lets an agent use a tool, within limits.',
  input: {
    agent: granteeName,
    tool: text(),
    where: z.unknown().optional() as z.ZodType<JsonObject | undefined>,
    approval: yesOrNo.optional(),
    perTask: calls,
    perHour: calls,
    expiresAt: moment.optional(),
  },
  contradiction: ({ where }: AllowInput) => (where === undefined ? null : whereFault(where)),
  once: 'key',
  async handle({ em, caller, id }, input: AllowInput): Promise<Allowed> {
    const { agent, tool, where = null, approval = false, perTask = null, perHour = null, expiresAt = null } = input;
    const grants = new GrantRepository(em);
    const toolDigest = (await new OfferedToolRepository(em).digests([tool])).get(tool) ?? null;
    const limits = { condition: where, approval, perTask, perHour, expiresAt };
    const policyVersion = await grants.changed(caller.tenant, actorOf(caller));
    const rule = { id: id as GrantId, agent, tool, toolDigest, ...limits };
    const grant = await grants.add(caller.tenant, rule, actorOf(caller));
    return { grant, policyVersion, warnings: await nameWarnings(em, input) };
  },
  audit: ({ grant, policyVersion }) => grantChanged('grant.allowed', grant, policyVersion),
});

function whereFault(where: unknown): string | null {
  const json = toJson(where);
  if (!json.ok) return `\`where\` must be JSON: ${notJson(json)}`;
  const fault = isJsonObject(json.value) ? conditionFault(json.value) : 'It must be an object.';
  return fault === null ? null : `\`where\` must be a JSON Schema that can be a condition: ${fault}`;
}

function grantChanged(action: string, grant: GrantRecord, policyVersion: number) {
  const { id: subjectId, agent, tool, condition, approval, perTask, perHour, expiresAt } = grant;
  const limits = { approval, perTask, perHour, expiresAt: expiresAt?.toISOString() ?? null };
  return { action, subjectType: 'grant', subjectId, details: { agent, tool, condition, ...limits, policyVersion } };
}

export const revokeGrant = defineOperation({
  ...GRANT_CHANGE,
  name: 'grants.revoke',
  summary: 'Ends a grant; calls that were approved by it and not made yet are refused.',
  input: { id: text() },
  async handle({ em, caller }, { id }: { readonly id: string }): Promise<GrantChange> {
    const grants = new GrantRepository(em);
    const grant = isUuid(id) ? await grants.revoke(caller.tenant, id) : null;
    if (grant === null) throw new GrantUnknown(id, caller.tenant);
    return { grant, policyVersion: await grants.changed(caller.tenant, actorOf(caller)) };
  },
  audit: ({ grant, policyVersion }) => grantChanged('grant.revoked', grant, policyVersion),
});
