import { RISK_CLASSES, type RiskClass } from '../agents/risk.ts';
import { isJsonObject, type Json } from '../json.ts';

/**
 * What a policy says of a tool that an agent's definition names: `allow` it without a grant, with a `grant` only, or
 * `never`, whatever was granted.
 */
const POLICY_RULES = ['allow', 'grant', 'never'] as const;
export type PolicyRule = (typeof POLICY_RULES)[number];

/** What the agents of a tenant may use. */
export interface ToolPolicy {
  readonly risks: Readonly<Record<RiskClass, PolicyRule>>;
  /** Tools by name, which override their class. */
  readonly tools: Readonly<Record<string, PolicyRule>>;
}

/** The policy that ships: what only reads is allowed, everything else is denied unless it was granted. */
const SHIPPED: ToolPolicy = {
  risks: {
    read_only: 'allow',
    network_read: 'allow',
    data_exfiltration_risk: 'allow',
    external_write: 'grant',
    high_risk: 'grant',
  },
  tools: {},
};

const MAX_TOOLS = 1_000;

/** A policy, or what is wrong with its document. */
export type ReadPolicy =
  | { readonly ok: true; readonly policy: ToolPolicy }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads a tenant's document, like `{ "risks": { "network_read": "grant" }, "tools": { "refund": "never" } }`, and merges
 * it over the policy that ships. Null is no document. Anything that is not understood makes the whole document malformed:
 * the rules before it may have been meant as an exception to it.
 */
export function readToolPolicy(document: unknown): ReadPolicy {
  if (document === null) return { ok: true, policy: SHIPPED };
  if (!isJsonObject(document)) return { ok: false, faults: ['it must be a JSON object'] };
  const { risks = {}, tools = {}, ...others } = document;
  const faults = [
    ...Object.keys(others).map((name) => `it has no place for "${name}"`),
    ...ruleFaults('risks', risks, (name) => Object.hasOwn(RISK_CLASSES, name)),
    ...ruleFaults('tools', tools, (name) => name !== ''),
  ];
  if (faults.length > 0) return { ok: false, faults };
  // Each rule was looked at.
  const merged = { risks: { ...SHIPPED.risks, ...(risks as object) }, tools: { ...(tools as object) } };
  return { ok: true, policy: merged };
}

/** What a policy says of a tool. A class that it does not know is not a class that it allows. */
export function ruleOf({ risks, tools }: ToolPolicy, { name, risk }: { name: string; risk: RiskClass }): PolicyRule {
  const own = Object.hasOwn(tools, name) ? tools[name] : undefined;
  return own ?? risks[risk] ?? 'never';
}

function ruleFaults(what: string, rules: Json, isName: (name: string) => boolean): readonly string[] {
  if (!isJsonObject(rules)) return [`${what} must be a JSON object`];
  const entries = Object.entries(rules);
  if (entries.length > MAX_TOOLS) return [`${what} may have ${MAX_TOOLS} entries`];
  return entries.flatMap(([name, rule]) => {
    if (!isName(name)) return [`${what} has no place for "${name}"`];
    const isRule = (POLICY_RULES as readonly Json[]).includes(rule);
    return isRule ? [] : [`${what}: "${name}" must be one of ${POLICY_RULES.join(', ')}`];
  });
}
