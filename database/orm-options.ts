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
    // Its question whether the database exists would be sent in the middle of the first unit of work, and Muster never
    // lets it create one.
    ensureDatabase: false,
    schemaGenerator: { ignoreTriggers: true, ignorePolicies: true, ignoreRoutines: true },
    logger: () => undefined,
  });
}
