import { type Kysely, sql } from 'kysely';

/** The roles that units of work take on. The migrations make them. */
const GROUPS = ['muster_app', 'muster_system'] as const;

/**
 * Lets login roles take on the roles of units of work: those named and whoever runs this. A named login stops inheriting
 * the rights of its groups, so outside a unit of work it may do nothing. A login that does not exist is left out.
 * Repeating it changes nothing.
 */
export async function grantLogins(session: Kysely<unknown>, logins: readonly string[]): Promise<void> {
  const owner = (await sql<{ name: string }>`select current_user::text as name`.execute(session)).rows[0]?.name ?? '';
  for (const login of new Set([owner, ...logins])) {
    for (const group of GROUPS) await grantGroup(session, group, login);
    if (login !== owner) await stopInheriting(session, login);
  }
}

/** Roles belong to the whole cluster, where somebody working on another database may grant the same at this moment. */
async function grantGroup(session: Kysely<unknown>, group: string, login: string): Promise<void> {
  const missing = sql<{ missing: boolean }>`
    select exists (select from pg_roles where rolname = ${login} and not rolsuper) and not exists (
      select from pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles l on l.oid = m.member
        where g.rolname = ${group} and l.rolname = ${login}) as missing`;
  const isMissing = async () => (await missing.execute(session)).rows[0]?.missing === true;
  if (!(await isMissing())) return;
  try {
    await sql`grant ${sql.id(group)} to ${sql.id(login)}`.execute(session);
  } catch (error) {
    if (await isMissing()) throw error;
  }
}

async function stopInheriting(session: Kysely<unknown>, login: string): Promise<void> {
  const inherits = sql<{ inherits: boolean }>`
    select coalesce(bool_or(rolinherit and not rolsuper), false) as inherits from pg_roles where rolname = ${login}`;
  const stillInherits = async () => (await inherits.execute(session)).rows[0]?.inherits === true;
  if (!(await stillInherits())) return;
  try {
    await sql`alter role ${sql.id(login)} noinherit`.execute(session);
  } catch (error) {
    if (await stillInherits()) throw error;
  }
}
