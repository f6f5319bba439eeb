import { z } from 'zod';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { type LimitSettings, parseLimitSettings } from '../../domain/limits/limit-settings.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { tenantId, text } from '../../options/fields.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { settingsChanged, withEntry } from '../queue/change-settings.ts';
import { anyLimit, holderName, type LimitValue, limitValueOf } from './limit-fields.ts';

/** What changes the limits of the whole installation, within two seconds wherever a program runs. */
const CHANGE = { effect: 'write', permission: 'limits:admin', unit: 'configure', once: 'key' } as const;

export interface SetInput {
  readonly name: string;
  readonly limit: LimitValue;
}

/** See {@link Limits.set}. @throws SettingsInvalid */
export const setRateLimit = defineOperation({
  ...CHANGE,
  name: 'limits.set',
  summary: 'Sets how much may happen in a time.',
  input: { name: text({ max: 600 }), limit: anyLimit },
  handle: (call, { name, limit }: SetInput) => change(call, 'limits', { name, value: asJson(limitValueOf(limit)) }),
  audit: (_settings, { name, limit }) => settingsChanged('limits', { limit: name, to: asJson(limit) }),
  after: async ({ stores }, settings) => stores.rateLimits.remember(settings),
});

export interface TierInput {
  readonly tenant?: string;
  readonly user?: string;
  readonly tier: string | null;
}

/** Gives a tenant with all its users, or one user of the caller's tenant, a tier; null takes it away. @throws SettingsInvalid */
export const setTier = defineOperation({
  ...CHANGE,
  name: 'limits.setTier',
  summary: 'Gives a tenant or a user a tier of limits.',
  input: {
    tenant: tenantId.optional(),
    user: holderName.optional(),
    tier: z.union([text(), z.null()], { error: 'a name or null' }),
  },
  handle(call, { tenant, user, tier }: TierInput) {
    const value = tier ?? 'default';
    if (tenant !== undefined && user === undefined) return change(call, 'tenantTiers', { name: tenant, value });
    if (user !== undefined && tenant === undefined) {
      return change(call, 'userTiers', { name: `${call.caller.tenant}/${user}`, value });
    }
    throw new OptionInvalid('setTier', ['`holder` must have either a tenant or a user']);
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
