import { openDatabase } from '../../database/open-orm.ts';
import type { Json } from '../../domain/json.ts';
import type { RateLimit } from '../../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import type { MusterUnderTest } from './muster.ts';

/** Stores limits over the ones that ship, as an operator would. Running programs follow within two seconds. */
export async function setLimits(muster: MusterUnderTest, limits: Readonly<Record<string, RateLimit>>): Promise<void> {
  const database = openDatabase({ url: muster.databaseUrl, poolSize: 1, applicationName: 'test' });
  try {
    await database.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).change('limits', () => ({ limits }) as unknown as Json),
    );
  } finally {
    await database.close();
  }
}
