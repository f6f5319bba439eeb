-- Statistics from the first rows on, vacuum by how much changed and not by how much there is, room on pages.

-- Each claim and each end writes the row of a task anew: large values stay where they are.
alter table muster.tasks set (toast_tuple_target = 128);

-- Tables that change as they grow. A fifth of ten million rows, the default, is a day's work at once.
alter table muster.tasks set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
alter table muster.agent_traces set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
-- Two outputs of 2 KB more on a page; a slow node's end still finds room where it began.
alter table muster.agent_runs set (fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
-- Tables that only grow: vacuumed for their visibility, so that a later one has little to do.
alter table muster.trace_events set (autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
alter table muster.audit_log set (autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 500);
-- Queues: what is read is a handful of rows, whatever has gone through.
alter table muster.outbox set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
alter table muster.agent_messages set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
alter table muster.concurrency_slots set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);

-- Analyses the tables that have grown tenfold since they were last analysed, from a hundred rows on, and names them.
-- Autovacuum looks once a minute, which is too late for the first burst of a new installation; tables of more than a
-- million rows are left to it. Only a table's owner may analyse it, so the function runs as the owner. One caller at a time:
-- the others find nothing.
create function muster.analyze_grown() returns text[] language plpgsql security definer set search_path = '' as $$
declare
  grown text[];
  name text;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(7274612012) then return '{}'; end if;
  select coalesce(pg_catalog.array_agg(c.relname::text), '{}') into grown from pg_catalog.pg_class c
    where c.relnamespace = 'muster'::pg_catalog.regnamespace and c.relkind = 'r'
      and pg_catalog.pg_stat_get_live_tuples(c.oid) between 10 * greatest(c.reltuples, 10) and 1000000;
  foreach name in array grown loop
    execute pg_catalog.format('analyze (skip_locked) muster.%I', name);
  end loop;
  return grown;
end $$;
revoke execute on function muster.analyze_grown() from public;
grant execute on function muster.analyze_grown() to muster_system;
