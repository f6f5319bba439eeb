import { z } from 'zod';
import type { Json } from '../../domain/json.ts';
import { notJson, toJson } from '../../domain/json.ts';
import { hasChanged } from '../../domain/tools/decide-call.ts';
import { readToolPolicy, type ToolPolicy } from '../../domain/tools/tool-policy.ts';
import { type GrantRecord, GrantRepository } from '../../entities/tools/grant-repository.ts';
import { OfferedToolRepository } from '../../entities/tools/offered-tool-repository.ts';
import { granteeName, wholeNumber } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { GRANT_CHANGE } from './allow.ts';

/** The tool policy of a tenant. */
export interface PolicyView {
  /** 0 before the first change. */
  readonly version: number;
  /** What the tenant set; null for nothing. */
  readonly document: Json;
  /** The document over the policy that ships; null where it cannot be read, and everything is denied. */
  readonly policy: ToolPolicy | null;
  /** What is wrong with the document. */
  readonly faults: readonly string[];
}

/** A grant as it is listed. */
export interface GrantView extends GrantRecord {
  /** Whether its tool is another one since, so that it lets nothing through until somebody looks and allows it again. */
  readonly changed: boolean;
}

const READ = { effect: 'read', risk: 'read_only', permission: 'grants:read', unit: 'tenant' } as const;

export const listGrants = defineOperation({
  ...READ,
  name: 'grants.list',
  summary: 'Lists which agents may use which tools, the newest grant first.',
  input: { agent: granteeName.optional(), limit: wholeNumber({ min: 1, max: 500 }).optional() },
  async handle(
    { em, caller },
    { agent, limit = 100 }: { readonly agent?: string; readonly limit?: number },
  ): Promise<readonly GrantView[]> {
    const grants = await new GrantRepository(em).list(caller.tenant, agent, limit);
    const now = await new OfferedToolRepository(em).digests(grants.map(({ tool }) => tool));
    return grants.map((grant) => ({ ...grant, changed: hasChanged(grant, now.get(grant.tool) ?? null) }));
  },
});

export const viewPolicy = defineOperation({
  ...READ,
  name: 'grants.policy',
  summary: 'Shows what the tenant rules about tools that were not granted.',
  input: {},
  handle: (call) => viewOf(call),
});

export const setPolicy = defineOperation({
  ...GRANT_CHANGE,
  name: 'grants.setPolicy',
  summary: 'Replaces what the tenant rules about classes of tools and about single tools.',
  input: { policy: z.unknown() as z.ZodType<Json> },
  contradiction: ({ policy }: { readonly policy: Json }) => policyFault(policy),
  once: 'key',
  async handle(call, { policy }: { readonly policy: Json }) {
    const { em, caller } = call;
    await new GrantRepository(em).changed(caller.tenant, actorOf(caller), { value: policy });
    return viewOf(call);
  },
  audit: ({ version, document }) => {
    return {
      action: 'tool_policy.changed',
      subjectType: 'tool_policy',
      subjectId: 'tenant',
      details: { version, document },
    };
  },
});

function policyFault(policy: unknown): string | null {
  const json = toJson(policy);
  if (!json.ok) return `\`policy\` must be JSON: ${notJson(json)}`;
  const read = readToolPolicy(json.value);
  return read.ok ? null : `\`policy\` must be a tool policy or null: ${read.faults.join('; ')}`;
}

async function viewOf({ em, caller }: CallInUnit): Promise<PolicyView> {
  const { version = 0, document = null } = (await new GrantRepository(em).policy(caller.tenant)) ?? {};
  const read = readToolPolicy(document);
  return { version, document, policy: read.ok ? read.policy : null, faults: read.ok ? [] : read.faults };
}
