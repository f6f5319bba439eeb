import { z } from 'zod';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { type LimitSettings, parseLimitSettings } from '../../domain/limits/limit-settings.ts';
import { LIMIT_ALGORITHMS, type RateLimit } from '../../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { anyNumber, oneOf, tenantId, text } from '../../options/fields.ts';
import { optionsOf } from '../../options/parse-options.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { SETTINGS_CHANGE, settingsChanged, withEntry } from '../queue/settings.ts';
import { holderName } from './take.ts';

const rateLimit = optionsOf<RateLimit>('set', {
  algorithm: oneOf(LIMIT_ALGORITHMS),
  limit: anyNumber,
  perSeconds: anyNumber,
  burst: anyNumber,
  blockSeconds: anyNumber,
});

/** A limit; null for no limit, even where one ships; `'default'` for the limit that ships. */
export type LimitValue = RateLimit | null | 'default';

/** @throws OptionInvalid */
export function limitValueOf(value: LimitValue): LimitValue {
  return value === null || value === 'default' ? value : { ...rateLimit(value) };
}

/** {@link limitValueOf} checks the value. */
const anyLimit = z.unknown() as unknown as z.ZodType<LimitValue>;

export const viewLimits = defineOperation({
  name: 'limits.view',
  summary: 'Shows the rate limits and tiers of the installation.',
  effect: 'read',
  risk: 'read_only',
  permission: 'limits:read',
  unit: 'configure',
  input: {},
  handle: async ({ em }) => parseLimitSettings(await new SettingsRepository(em).read('limits')),
});

/**
 * What every change of the installation's limits declares. A change takes effect within two seconds in every process.
 */
const CHANGE = { ...SETTINGS_CHANGE, permission: 'limits:admin' } as const;

export const setRateLimit = defineOperation({
  ...CHANGE,
  name: 'limits.set',
  summary: 'Sets how much may happen in a period.',
  input: { name: text({ max: 600 }), limit: anyLimit },
  handle: (call, { name, limit }: { readonly name: string; readonly limit: LimitValue }) =>
    change(call, 'limits', { name, value: asJson(limitValueOf(limit)) }),
  audit: (_settings, { name, limit }) => settingsChanged('limits', { limit: name, to: asJson(limit) }),
  after: async ({ stores }, settings) => stores.rateLimits.remember(settings),
});

export interface TierInput {
  readonly tenant?: string;
  readonly user?: string;
  readonly tier: string | null;
}

export const setTier = defineOperation({
  ...CHANGE,
  name: 'limits.setTier',
  summary: 'Gives a tenant or a user a tier of limits.',
  input: {
    tenant: tenantId.optional(),
    user: holderName.optional(),
    tier: z.union([text(), z.null()], { error: 'a name or null' }),
  },
  contradiction: ({ tenant, user }: TierInput) =>
    (tenant === undefined) !== (user === undefined) ? null : '`holder` must have either a tenant or a user',
  handle(call, { tenant, user, tier }: TierInput) {
    const value = tier ?? 'default';
    if (tenant !== undefined) return change(call, 'tenantTiers', { name: tenant, value });
    return change(call, 'userTiers', { name: `${call.caller.tenant}/${user}`, value });
  },
  audit: (_settings, { tenant, user, tier }) => settingsChanged('limits', { tierOf: tenant ?? user ?? null, to: tier }),
  after: async ({ stores }, settings) => stores.rateLimits.remember(settings),
});

/** Only what was set is stored, so that a default that changes one day counts for all else. */
async function change(
  { em }: CallInUnit,
  part: 'limits' | 'tenantTiers' | 'userTiers',
  { name, value }: { readonly name: string; readonly value: Json },
): Promise<LimitSettings> {
  const stored = await new SettingsRepository(em).change('limits', (before) => {
    const settings = isJsonObject(before) ? before : {};
    const changed = { ...settings, [part]: withValue(settings[part], name, value) };
    parseLimitSettings(changed);
    return changed;
  });
  return parseLimitSettings(stored);
}

/** Null is a value here: no limit at all. */
function withValue(entries: Json | undefined, name: string, value: Json) {
  const without = withEntry(entries, name, null);
  return value === 'default' ? without : { ...without, [name]: value };
}

function asJson(limit: LimitValue): Json {
  return limit === null || limit === 'default' ? limit : { ...limit };
}
