-- What the entities do not say: rows and their tenants, legal moves, what never changes, room on pages, the first rows.

alter table muster.audit_log
  add constraint audit_log_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);
alter table muster.agent_graphs
  add constraint agent_graphs_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);
alter table muster.agents
  add constraint agents_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);
alter table muster.tasks
  add constraint tasks_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id),
  add constraint tasks_graph_id_foreign foreign key (graph_id) references muster.agent_graphs (id),
  add constraint tasks_created_by_foreign foreign key (created_by) references muster.agents (id) on delete set null,
  add constraint tasks_assigned_to_foreign foreign key (assigned_to) references muster.agents (id) on delete set null;
alter table muster.artifacts
  add constraint artifacts_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);
alter table muster.agent_traces
  add constraint agent_traces_graph_id_foreign foreign key (graph_id) references muster.agent_graphs (id);
alter table muster.agent_messages
  add constraint agent_messages_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id),
  add constraint agent_messages_from_agent_id_foreign foreign key (from_agent_id) references muster.agents (id)
      on delete set null,
  add constraint agent_messages_to_agent_id_foreign foreign key (to_agent_id) references muster.agents (id)
      on delete set null;

-- A row that belongs to another row has that row's tenant, whoever wrote it.
alter table muster.agent_components
  add constraint agent_components_graph_of_tenant foreign key (tenant_id, graph_id)
      references muster.agent_graphs (tenant_id, id) on delete cascade;
alter table muster.component_connections
  add constraint component_connections_graph_of_tenant foreign key (tenant_id, graph_id)
      references muster.agent_graphs (tenant_id, id) on delete cascade;
alter table muster.agent_heartbeats
  add constraint agent_heartbeats_agent_of_tenant foreign key (tenant_id, agent_id)
      references muster.agents (tenant_id, id) on delete cascade;
alter table muster.task_dependencies
  add constraint task_dependencies_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade,
  add constraint task_dependencies_depends_on_task_of_tenant foreign key (tenant_id, depends_on_task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.artifacts
  add constraint artifacts_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.outbox
  add constraint outbox_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.activity_effects
  add constraint activity_effects_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.agent_traces
  add constraint agent_traces_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.agent_runs
  add constraint agent_runs_trace_of_tenant foreign key (tenant_id, trace_id)
      references muster.agent_traces (tenant_id, id) on delete cascade;
alter table muster.trace_events
  add constraint trace_events_trace_of_tenant foreign key (tenant_id, trace_id)
      references muster.agent_traces (tenant_id, id) on delete cascade;

-- An arrow stays within its graph.
alter table muster.component_connections
  add constraint component_connections_source_of_graph foreign key (graph_id, source_component_id)
      references muster.agent_components (graph_id, id) on delete cascade,
  add constraint component_connections_target_of_graph foreign key (graph_id, target_component_id)
      references muster.agent_components (graph_id, id) on delete cascade;

-- Updates that touch no indexed column stay within their page when the page has room.
alter table muster.agent_heartbeats set (fillfactor = 60);
alter table muster.agent_traces set (fillfactor = 80);
alter table muster.agent_runs set (fillfactor = 80);

create function muster.touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

create trigger tasks_touch_updated_at before update on muster.tasks
  for each row execute function muster.touch_updated_at();
create trigger agents_touch_updated_at before update on muster.agents
  for each row execute function muster.touch_updated_at();

-- The moves are those of canMoveTask in domain/tasks/status.ts; a test compares all of them.
create function muster.refuse_illegal_task_move() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status = any (case old.status
    when 'pending' then array['deferred', 'blocked', 'in_progress', 'failed', 'cancelled']
    when 'deferred' then array['pending', 'blocked', 'cancelled']
    when 'blocked' then array['pending', 'deferred', 'failed', 'cancelled']
    when 'in_progress' then array['waiting_input', 'waiting_approval', 'paused', 'completed', 'failed', 'cancelled']
    when 'waiting_input' then array['in_progress', 'waiting_approval', 'paused', 'completed', 'failed', 'cancelled']
    when 'waiting_approval' then array['in_progress', 'waiting_input', 'paused', 'completed', 'failed', 'cancelled']
    when 'paused' then array['in_progress', 'waiting_input', 'waiting_approval', 'completed', 'failed', 'cancelled']
    when 'failed' then array['pending']
    when 'cancelled' then array['pending']
    else array[]::text[]
  end) then
    return new;
  end if;
  raise exception 'a task may not move from % to %', old.status, new.status
    using errcode = 'check_violation', schema = 'muster', table = 'tasks', constraint = 'tasks_status_move';
end $$;

create trigger tasks_status_move before update of status on muster.tasks
  for each row when (old.status is distinct from new.status) execute function muster.refuse_illegal_task_move();

-- A foreign key sees every tenant's rows, so it alone would let a task run another tenant's graph.
create function muster.refuse_foreign_graph() returns trigger language plpgsql set search_path = '' as $$
begin
  if not exists (
    select from muster.agent_graphs where id = new.graph_id and tenant_id in (new.tenant_id, 'system')
  ) then
    raise exception 'tenant % has no graph %', new.tenant_id, new.graph_id
      using errcode = 'foreign_key_violation', schema = 'muster', table = 'tasks', constraint = 'tasks_graph_of_tenant';
  end if;
  return new;
end $$;

create trigger tasks_graph_of_tenant before insert or update of graph_id on muster.tasks
  for each row execute function muster.refuse_foreign_graph();

create function muster.refuse_published_graph_change() returns trigger language plpgsql set search_path = '' as $$
begin
  if to_jsonb(new) - 'task_queue' is distinct from to_jsonb(old) - 'task_queue' then
    raise exception 'graph % version % is published and never changes: publish a new version', old.name, old.version
      using errcode = 'check_violation', schema = 'muster', table = 'agent_graphs',
        constraint = 'agent_graphs_published';
  end if;
  return new;
end $$;

create trigger agent_graphs_published before update on muster.agent_graphs
  for each row when (old.status = 'published') execute function muster.refuse_published_graph_change();

-- The share lock makes a publication wait for an open change of its parts, and the other way round. When the whole
-- graph is deleted its row is already gone as its parts follow, so the cascade passes.
create function muster.refuse_published_part_change() returns trigger language plpgsql set search_path = '' as $$
declare
  published boolean;
begin
  select status = 'published' into published
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

create trigger agent_components_published before insert or update or delete on muster.agent_components
  for each row execute function muster.refuse_published_part_change();
create trigger component_connections_published before insert or update or delete on muster.component_connections
  for each row execute function muster.refuse_published_part_change();

-- The grants already withhold these from the program; the trigger withholds them from the owner's hasty hand too.
create function muster.refuse_audit_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the audit log only grows: % is refused', lower(tg_op) using errcode = 'insufficient_privilege';
end $$;

create trigger audit_log_append_only before update or delete or truncate on muster.audit_log
  for each statement execute function muster.refuse_audit_change();

insert into muster.tenants (id) values ('default'), ('system');
insert into muster.retention_policies (resource, max_age_days) values
  ('tasks', 90),
  ('agent_traces', 90),
  ('agent_runs', 90),
  ('trace_events', 30),
  ('artifacts', 90),
  ('agent_messages', 30),
  ('outbox', 7);
