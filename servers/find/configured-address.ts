import { redisAddresses } from '../../domain/system/redis-addresses.ts';
import type { ServiceName, ServicesConfig } from '../services.ts';

/** The configured address of a service as it may be shown, or `null` where none is configured. */
export function configuredAddress(config: ServicesConfig, service: ServiceName): string | null {
  if (service === 'temporal') return config.temporalAddress;
  const url = service === 'postgresql' ? config.databaseUrl : config.redisUrl;
  return url === null ? null : withoutPassword(url);
}

/** An address, or several of a Redis, that may be shown and logged. */
export function withoutPassword(url: string): string {
  try {
    const shown = redisAddresses(url).map((address) => Object.assign(new URL(address), { password: '' }).toString());
    return shown.join(',');
  } catch {
    return '(an address that is not a URL)';
  }
}
