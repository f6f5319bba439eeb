import { sql } from 'kysely';
import type { OwnerSession } from '../owner-connection.ts';

/** Whatever the schema holds, one readable line each; the ledger's tables included. */
const LINES = sql<{ line: string }>`
with tables as (
  select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.reloptions
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'muster' and c.relkind in ('r', 'p')
), grants as (
  select t.relname, coalesce(r.rolname, 'public') as grantee, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as rights
    from tables t join pg_class c on c.oid = t.oid cross join lateral aclexplode(c.relacl) a
    left join pg_roles r on r.oid = a.grantee
    where a.grantee = 0 or r.rolname in ('muster_app', 'muster_system')
    group by 1, 2
)
select line from (
  select format('table %s row security %s%s%s', relname, case when relrowsecurity then 'on' else 'off' end,
      case when relforcerowsecurity then ', forced' else '' end, coalesce(', ' || array_to_string(reloptions, ', '), '')) as line
    from tables
  union all
  select format('column %s.%s %s%s%s%s', t.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then ' not null' else '' end,
      case when a.attidentity <> '' then ' identity' when a.attgenerated <> '' then ' generated' when d.oid is not null then ' default' else '' end,
      coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') || coalesce((
        select ' granted ' || string_agg(r.rolname || ' ' || lower(g.privilege_type), ', ' order by r.rolname, g.privilege_type)
          from aclexplode(a.attacl) g join pg_roles r on r.oid = g.grantee), ''))
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
  union all
  select format('constraint %s.%s %s', t.relname, c.conname, pg_get_constraintdef(c.oid))
    from tables t join pg_constraint c on c.conrelid = t.oid where c.contype in ('p', 'u', 'f', 'c', 'x')
  union all
  select format('index %s.%s %s', t.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid))
    from tables t join pg_index i on i.indrelid = t.oid
  union all
  select format('trigger %s.%s %s%s', t.relname, g.tgname, pg_get_triggerdef(g.oid),
      case g.tgenabled when 'O' then '' else ' (not enabled: ' || g.tgenabled::text || ')' end)
    from tables t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all
  select format('policy %s.%s %s to %s using %s with check %s', t.relname, p.polname, p.polcmd,
      (select string_agg(r.rolname, ', ' order by r.rolname) from pg_roles r where r.oid = any (p.polroles)),
      coalesce(pg_get_expr(p.polqual, p.polrelid), '-'), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
    from tables t join pg_policy p on p.polrelid = t.oid
  union all
  select format('grant %s %s: %s', relname, grantee, rights) from grants
  union all
  select format('function %s(%s) %s', f.proname, pg_get_function_identity_arguments(f.oid), md5(f.prosrc))
    from pg_proc f join pg_namespace n on n.oid = f.pronamespace where n.nspname = 'muster'
  union all
  select format('view %s %s', c.relname, md5(pg_get_viewdef(c.oid)))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'muster' and c.relkind in ('v', 'm')
) described order by line collate "C"`;

/**
 * The schema as sorted lines that name table and column: what drift is measured by. SQL text because almost all of it is
 * calls of catalogue functions over a dozen tables of the catalogue. It runs at migrations only; 20 ms for the schema.
 */
export async function readSchemaLines(session: OwnerSession): Promise<string[]> {
  // The qualified form of every name depends on the search path, so it is emptied.
  await session
    .selectNoFrom(({ fn, lit }) => fn('set_config', [sql.lit('search_path'), sql.lit(''), lit(true)]).as('path'))
    .execute();
  return (await LINES.execute(session)).rows.map((row) => row.line);
}
