-- A version of a graph is a draft, active or archived. Of the versions of a name one at most is active: submits take it.

drop trigger agent_graphs_published on muster.agent_graphs;
alter table muster.agent_graphs
  drop constraint agent_graphs_published_check,
  drop constraint agent_graphs_status_check;

-- Until now submits took the newest published version.
update muster.agent_graphs g
  set status = case
    when exists (
      select from muster.agent_graphs newer
        where newer.tenant_id = g.tenant_id and newer.name = g.name and newer.status = 'published'
          and newer.version > g.version
    ) then 'archived' else 'active' end
  where g.status = 'published';

alter table muster.agent_graphs
  -- What a version was made from: the template and its revision.
  add column metadata jsonb not null default '{}',
  add constraint agent_graphs_status_check check (status in ('draft', 'active', 'archived')),
  -- A draft that was archived has never been published.
  add constraint agent_graphs_published_check check (
    case status when 'draft' then published_at is null when 'active' then published_at is not null else true end);
create unique index agent_graphs_active_unique on muster.agent_graphs (tenant_id, name) where status = 'active';

-- Besides the task queue only what is written of its life changes: it never becomes a draft again, and the moment at which it
-- was published first stays.
create or replace function muster.refuse_published_graph_change() returns trigger language plpgsql set search_path = '' as $$
declare
  life constant text[] := array['task_queue', 'status', 'published_at'];
begin
  if to_jsonb(new) - life is distinct from to_jsonb(old) - life or new.status = 'draft'
    or (old.published_at is not null and new.published_at is distinct from old.published_at) then
    raise exception 'graph % version % is published and never changes: publish a new version', old.name, old.version
      using errcode = 'check_violation', schema = 'muster', table = 'agent_graphs',
        constraint = 'agent_graphs_published';
  end if;
  return new;
end $$;

create trigger agent_graphs_published before update on muster.agent_graphs
  for each row when (old.status <> 'draft') execute function muster.refuse_published_graph_change();

create or replace function muster.refuse_published_part_change() returns trigger language plpgsql set search_path = '' as $$
declare
  published boolean;
begin
  select status <> 'draft' into published
    from muster.agent_graphs
    where id = case tg_op when 'DELETE' then old.graph_id else new.graph_id end
    for share;
  if published then
    raise exception 'the graph of this row is published and never changes: publish a new version'
      using errcode = 'check_violation', schema = 'muster', table = tg_table_name,
        constraint = 'agent_graphs_published';
  end if;
  if tg_op = 'UPDATE' and old.graph_id is distinct from new.graph_id then
    raise exception 'a part of a graph may not move to another graph'
      using errcode = 'check_violation', schema = 'muster', table = tg_table_name,
        constraint = 'agent_graphs_published';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
