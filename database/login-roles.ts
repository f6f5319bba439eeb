import { sql } from 'kysely';
import type { OwnerSession } from './owner-connection.ts';

/** The roles that units of work take on. The migrations make them. */
const GROUPS = ['muster_app', 'muster_system'] as const;

/**
 * Lets login roles take on the roles of units of work: the named ones and the one that runs this. A named login stops
 * inheriting the rights of its groups, so outside a unit of work it may do nothing. A login that does not exist is left
 * out. Repeating it changes nothing.
 */
export async function grantLogins(session: OwnerSession, logins: readonly string[]): Promise<void> {
  const { owner } = await session.selectNoFrom(sql<string>`current_user`.as('owner')).executeTakeFirstOrThrow();
  for (const login of new Set([owner, ...logins])) {
    for (const group of GROUPS) await grantGroup(session, group, login);
    if (login !== owner) await stopInheriting(session, login);
  }
}

/** Roles belong to the whole cluster, where somebody working on another database may grant the same at this moment. */
async function grantGroup(session: OwnerSession, group: string, login: string): Promise<void> {
  const isMissing = async () => {
    const lacking = await session
      .selectFrom('pg_roles')
      .select('oid')
      .where('rolname', '=', login)
      .where('rolsuper', '=', false)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('pg_auth_members as m')
              .innerJoin('pg_roles as g', 'g.oid', 'm.roleid')
              .innerJoin('pg_roles as l', 'l.oid', 'm.member')
              .select('m.roleid')
              .where('g.rolname', '=', group)
              .where('l.rolname', '=', login),
          ),
        ),
      )
      .executeTakeFirst();
    return lacking !== undefined;
  };
  if (!(await isMissing())) return;
  try {
    await sql`grant ${sql.id(group)} to ${sql.id(login)}`.execute(session);
  } catch (error) {
    if (await isMissing()) throw error;
  }
}

async function stopInheriting(session: OwnerSession, login: string): Promise<void> {
  const stillInherits = async () => {
    const inheriting = await session
      .selectFrom('pg_roles')
      .select('oid')
      .where('rolname', '=', login)
      .where('rolinherit', '=', true)
      .where('rolsuper', '=', false)
      .executeTakeFirst();
    return inheriting !== undefined;
  };
  if (!(await stillInherits())) return;
  try {
    await sql`alter role ${sql.id(login)} noinherit`.execute(session);
  } catch (error) {
    if (await stillInherits()) throw error;
  }
}
