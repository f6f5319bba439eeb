import { defineConfig } from '@mikro-orm/postgresql';
import { ENTITIES } from '../entities/index.ts';

/** The schema that holds every table of Muster. */
export const SCHEMA = 'muster';

/** What every mapper of Muster's tables shares. The database's rules live in migrations, so they are not its to change. */
export function ormOptions(url: string) {
  return defineConfig({
    entities: [...ENTITIES],
    clientUrl: url,
    schema: SCHEMA,
    schemaGenerator: { ignoreTriggers: true, ignorePolicies: true, ignoreRoutines: true },
    logger: () => undefined,
  });
}
