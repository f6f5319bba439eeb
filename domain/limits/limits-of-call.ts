import { DEFAULT_TIER } from './default-limits.ts';
import { type LimitScope, TOKENS } from './limit-names.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { LimitClass } from './outage.ts';
import { type RateLimit, scaleLimit } from './rate-limit.ts';

/** A call to which limits may apply. Only the limits of the subjects that it names apply. */
export interface LimitedCall {
  readonly tenant: string;
  /** The user of the call; for a channel's limit, the channel. Without it an endpoint's limit is the tenant's. */
  readonly user?: string | undefined;
  /** The called command, route or action. */
  readonly endpoint?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  /** The cost of the call for limits that count calls. @defaultValue 1 */
  readonly cost?: number | undefined;
  /** Its cost for limits that count tokens, which otherwise do not apply. */
  readonly tokens?: number | undefined;
  /** What happens to it while Redis is unavailable. @defaultValue that of its endpoint, provider or model */
  readonly class?: LimitClass | undefined;
}

/** One limit that applies to a call. */
export interface AppliedLimit {
  /** As in the settings: `endpoint:auth`, `provider:acme/tokens`. */
  readonly name: string;
  readonly scope: LimitScope;
  readonly countsTokens: boolean;
  /** The subject of the counter: the same text for the same counter. */
  readonly subject: readonly string[];
  readonly limit: RateLimit;
  readonly cost: number;
}

/**
 * Every limit that applies to a call, most general first: at most one that counts calls and one that counts tokens for each of
 * installation, tenant, user, endpoint, provider and model.
 */
export function limitsOfCall(settings: LimitSettings, call: LimitedCall): AppliedLimit[] {
  const { tenant, user, endpoint, provider, model } = call;
  const applied: AppliedLimit[] = [];
  const apply = (scope: LimitScope, name: string | undefined, subject: readonly string[]): void => {
    if (name !== undefined) applied.push(...limitsOfScope(settings, call, { scope, name, subject }));
  };
  apply('global', 'all', []);
  apply('tenant', tenant, []);
  apply('user', user === undefined ? undefined : `${tenant}/${user}`, [user ?? '']);
  apply('endpoint', endpoint, [user ?? '', endpoint ?? '']);
  apply('provider', provider, [provider ?? '']);
  apply('model', model, [model ?? '']);
  return applied;
}

/** Whether a limit is the whole installation's, and not one tenant's. */
export function isShared({ scope }: Pick<AppliedLimit, 'scope'>): boolean {
  return scope === 'global' || scope === 'provider' || scope === 'model';
}

function limitsOfScope(
  settings: LimitSettings,
  call: LimitedCall,
  { scope, name, subject }: { scope: LimitScope; name: string; subject: readonly string[] },
): AppliedLimit[] {
  const found: AppliedLimit[] = [];
  for (const countsTokens of [false, true]) {
    const cost = countsTokens ? call.tokens : (call.cost ?? 1);
    if (cost === undefined) continue;
    const limit = limitNamed(settings, `${scope}:`, { name, suffix: countsTokens ? TOKENS : '' });
    if (limit === null) continue;
    const scaled = isShared({ scope }) ? limit.value : scaleLimit(limit.value, tierFactor(settings, call));
    found.push({ name: limit.name, scope, countsTokens, subject, limit: scaled, cost });
  }
  return found;
}

function limitNamed(
  { limits }: LimitSettings,
  prefix: string,
  { name, suffix }: { name: string; suffix: string },
): { name: string; value: RateLimit } | null {
  for (const candidate of [name, '*']) {
    const full = `${prefix}${candidate}${suffix}`;
    const value = Object.hasOwn(limits, full) ? limits[full] : undefined;
    if (value !== undefined) return { name: full, value };
  }
  return null;
}

function tierFactor({ tiers, tenantTiers, userTiers }: LimitSettings, { tenant, user }: LimitedCall): number {
  const tier = userTiers[`${tenant}/${user ?? ''}`] ?? tenantTiers[tenant] ?? DEFAULT_TIER;
  return tiers[tier] ?? 1;
}
