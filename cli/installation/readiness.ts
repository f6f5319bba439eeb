import { checkSchema, migrationStatus } from '../../database/migrate.ts';
import { errorClause } from '../../domain/errors.ts';
import type { DoctorCheck } from '../../servers/probe/doctor.ts';
import type { Connections, ServiceStatus } from '../../servers/services.ts';

const MIGRATE = 'Run `muster up`, or `muster migrate` where the services are your own.';

/** Whether the schema is the one that this version needs. Never rejects: a check that cannot run is not ok. */
export async function checkInstalledSchema(connections: Connections): Promise<DoctorCheck[]> {
  const pending = await guarded('migrations', () => checkMigrations(connections));
  // A schema that was never created differs in everything; one finding is enough.
  if (!pending.ok) return [pending];
  return [pending, await guarded('schema', () => checkDrift(connections))];
}

async function checkMigrations({ ownerUrl }: Connections): Promise<DoctorCheck> {
  const { applied, pending } = await migrationStatus({ ownerUrl });
  const name = 'migrations';
  if (pending.length === 0) return { name, ok: true, detail: `all ${applied.length} applied`, remedy: null };
  return { name, ok: false, detail: `${pending.length} not applied: ${pending.join(', ')}`, remedy: MIGRATE };
}

async function checkDrift({ databaseUrl }: Connections): Promise<DoctorCheck> {
  const { matches, expectedHash, differences } = await checkSchema({ databaseUrl });
  const name = 'schema';
  if (matches) return { name, ok: true, detail: 'as the migrations left it', remedy: null };
  if (expectedHash === null) return { name, ok: false, detail: 'no migration has recorded it', remedy: MIGRATE };
  const detail = `differs from what the migrations left:\n${differences.map((line) => `    ${line}`).join('\n')}`;
  return { name, ok: false, detail, remedy: 'Undo the change manually, or add it as a migration.' };
}

async function guarded(name: string, look: () => Promise<DoctorCheck>): Promise<DoctorCheck> {
  try {
    return await look();
  } catch (error) {
    const remedy = 'Correct what it names, then run `muster doctor` again.';
    return { name, ok: false, detail: `could not be checked: ${errorClause(error)}`, remedy };
  }
}

/** Only these checks keep an installation from being ready; the others are advice. */
const NEEDED = ['migrations', 'schema', 'search attributes'];

/** Whether tasks can be submitted and carried out. */
export function isReady(services: readonly ServiceStatus[], checks: readonly DoctorCheck[]): boolean {
  return services.every(({ healthy }) => healthy) && checks.every(({ name, ok }) => ok || !NEEDED.includes(name));
}
