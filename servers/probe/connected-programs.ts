import { DATABASE_NAME, postgresqlUrl, secretsOf } from '../find/own-addresses.ts';
import { StateFolder } from '../find/state-folder.ts';
import type { ServicesConfig } from '../services.ts';
import { withPostgresql } from './probes.ts';

/** How every program of Muster names its connections: `muster NAME`. */
const PROGRAM = 'muster ';

/**
 * The sorted names of the programs that are connected to the PostgreSQL that Muster started. Empty if the server is not
 * Muster's own or does not answer.
 */
export async function connectedPrograms(config: ServicesConfig): Promise<string[]> {
  const folder = new StateFolder(config.stateDir);
  const record = config.databaseUrl === null ? folder.aliveRecord('postgresql') : null;
  if (record === null) return [];
  const url = postgresqlUrl({ port: record.port, secrets: secretsOf(folder) }, 'superuser', 'postgres');
  return withPostgresql(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select distinct application_name as name from pg_stat_activity
       where datname = $1 and starts_with(application_name, $2) order by name`,
      [DATABASE_NAME, PROGRAM],
    );
    return rows.map(({ name }) => name.slice(PROGRAM.length));
  }).catch(() => []);
}
