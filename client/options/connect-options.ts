import type { Environment } from '../../config.ts';
import { objectWith, tenantId, text, textLike } from '../../options/fields.ts';
import { type OptionFields, optionsOf } from '../../options/parse-options.ts';
import type { OpenClientOptions } from '../open-stores.ts';

/** How the options of what connects are read. Addresses are taken apart where they are used. */

export const CONNECT_FIELDS: OptionFields<OpenClientOptions> = {
  tenant: tenantId.optional(),
  databaseUrl: url('postgres:', 'postgresql:').optional(),
  redisUrl: text({ max: 4_096 }).optional(),
  temporalAddress: text().optional(),
  temporalNamespace: text().optional(),
  environment: objectWith<Environment>('an object of variables', {}).optional(),
};

export const connectOptions = optionsOf<OpenClientOptions>('connect', CONNECT_FIELDS);

function url(...protocols: string[]) {
  const names = protocols.map((protocol) => `${protocol}//`).join(' or ');
  return textLike(`a URL beginning with ${names}`, (value) => {
    return URL.canParse(value) && protocols.includes(new URL(value).protocol);
  });
}
