import { isTenantId } from '../ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { SettingsInvalid } from '../queues/queue-settings.ts';
import { DEFAULT_LIMITS, DEFAULT_TIERS } from './default-limits.ts';
import { parseLimitName } from './limit-names.ts';
import { gcra, limitFaults, type RateLimit, slidingLog } from './rate-limit.ts';

/** The limits of the whole installation: the row `limits` of `system_config`, over the ones that ship. */
export interface LimitSettings {
  /** By name: `<scope>:<name>`, or `<scope>:*` for all others, with the suffix `/tokens` if tokens are counted. */
  readonly limits: Readonly<Record<string, RateLimit>>;
  /** The factor by which a tier multiplies the limits of tenants, users and endpoints. 0.01 to 1,000. */
  readonly tiers: Readonly<Record<string, number>>;
  /** The tier of a tenant and of all its users. @defaultValue `free` */
  readonly tenantTiers: Readonly<Record<string, string>>;
  /** The tier of one user, `<tenant>/<user>`, which overrides that of the tenant. */
  readonly userTiers: Readonly<Record<string, string>>;
}

export const DEFAULT_LIMIT_SETTINGS: LimitSettings = {
  limits: DEFAULT_LIMITS,
  tiers: DEFAULT_TIERS,
  tenantTiers: {},
  userTiers: {},
};

/**
 * Reads settings from outside or from their row. Missing fields have their defaults; a limit that is `null` is removed.
 * @throws SettingsInvalid naming every fault
 */
export function parseLimitSettings(value: unknown): LimitSettings {
  if (value === null || value === undefined) return DEFAULT_LIMIT_SETTINGS;
  if (!isJsonObject(value)) throw new SettingsInvalid('limits', ['expected a JSON object']);
  const faults: string[] = [];
  const part = (name: string): JsonObject => {
    const found = value[name] ?? {};
    if (isJsonObject(found)) return found;
    faults.push(`${name} must be a JSON object`);
    return {};
  };
  for (const name of Object.keys(value)) {
    if (!(name in DEFAULT_LIMIT_SETTINGS)) faults.push(`there is no setting "${name}"`);
  }
  const tiers = { ...DEFAULT_TIERS, ...readTiers(part('tiers'), faults) };
  const settings = {
    limits: readLimits(part('limits'), faults),
    tiers,
    tenantTiers: readHolders(part('tenantTiers'), tiers, isTenantId, faults),
    userTiers: readHolders(part('userTiers'), tiers, isUserOfTenant, faults),
  };
  if (faults.length > 0) throw new SettingsInvalid('limits', faults);
  return settings;
}

function readLimits(stored: JsonObject, faults: string[]): Record<string, RateLimit> {
  const limits: Record<string, RateLimit> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(stored)) {
    const parsed = parseLimitName(name);
    if (parsed === null) {
      faults.push(`"${name}" is no limit's name: expected global:all, or tenant:, user:, endpoint:, provider:, model:`);
    } else if (value === null) {
      delete limits[name];
    } else {
      const limit = readLimit(value);
      const own = limitFaults(limit);
      if (parsed.countsTokens && limit.algorithm !== 'gcra')
        own.push('algorithm must be gcra where tokens are counted');
      faults.push(...own.map((fault) => `${name}: ${fault}`));
      limits[name] = limit;
    }
  }
  return limits;
}

/** Missing or unknown fields stay visible to {@link limitFaults}, which names them. */
function readLimit(value: Json): RateLimit {
  const { algorithm = 'gcra', limit, perSeconds, burst, blockSeconds } = isJsonObject(value) ? value : {};
  const given = { limit: limit as number, perSeconds: perSeconds as number };
  const more = blockSeconds === undefined ? {} : { blockSeconds: blockSeconds as number };
  if (algorithm === 'sliding_log') return slidingLog({ ...given, ...more });
  const made = gcra({ ...given, ...more, ...(burst === undefined ? {} : { burst: burst as number }) });
  return { ...made, algorithm: algorithm as RateLimit['algorithm'] };
}

function readTiers(stored: JsonObject, faults: string[]): Record<string, number> {
  const tiers: Record<string, number> = {};
  for (const [name, factor] of Object.entries(stored)) {
    if (typeof factor === 'number' && factor >= 0.01 && factor <= 1_000) tiers[name] = factor;
    else faults.push(`tiers: ${name} must be a number from 0.01 to 1,000`);
  }
  return tiers;
}

function readHolders(
  stored: JsonObject,
  tiers: Readonly<Record<string, number>>,
  isHolder: (name: string) => boolean,
  faults: string[],
): Record<string, string> {
  const holders: Record<string, string> = {};
  for (const [name, tier] of Object.entries(stored)) {
    if (!isHolder(name)) faults.push(`"${name}" cannot have a tier`);
    if (typeof tier === 'string' && Object.hasOwn(tiers, tier)) holders[name] = tier;
    else faults.push(`"${name}" has no known tier: expected one of ${Object.keys(tiers).join(', ')}`);
  }
  return holders;
}

function isUserOfTenant(name: string): boolean {
  return parseLimitName(`user:${name}`) !== null && name !== '*';
}
