import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import type { RateLimiter } from '../redis/limits/rate-limiter.ts';
import type { LimitSettingsSource } from './limits/limit-settings-source.ts';
import type { RateLimits } from './stores.ts';

/** A limiter together with the settings by which it decides, as operations need it. */
export function rateLimitsOf(limiter: RateLimiter, source: LimitSettingsSource): RateLimiter & RateLimits {
  const isSet = (name: string) => {
    const settings = source.current();
    const has = ({ limits }: LimitSettings) => Object.hasOwn(limits, name);
    return settings instanceof Promise ? settings.then(has) : has(settings);
  };
  return Object.assign(limiter, { isSet, remember: (settings: LimitSettings) => source.remember(settings) });
}
