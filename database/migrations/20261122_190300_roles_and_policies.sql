-- Who may see and do what.
--
-- muster_app sees the rows of one tenant, the one named by the setting app.tenant; unset, it sees none.
-- muster_system sees all rows: dispatching, reconciling, retention. The unit of work takes on one of the two for each
-- transaction, so the policies bind whichever login role connected, a superuser's included. Both belong to the whole
-- cluster: several databases share them, so they may exist already.

do $$ begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'muster_app') then
    create role muster_app nologin;
  end if;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'muster_system') then
    create role muster_system nologin;
  end if;
exception when duplicate_object or unique_violation then null;
end $$;

grant usage on schema muster to muster_app, muster_system;
revoke execute on all functions in schema muster from public;

-- Tables of the whole installation, without tenants.
grant select on muster.schema_migrations, muster.schema_state to muster_app, muster_system;
grant select on muster.system_config, muster.retention_policies to muster_app;
grant select, insert, update on muster.system_config, muster.retention_policies to muster_system;

alter table muster.tenants enable row level security, force row level security;
grant select, insert on muster.tenants to muster_app;
grant select, insert on muster.tenants to muster_system;
create policy tenants_of_tenant on muster.tenants to muster_app
  using (id = (select nullif(current_setting('app.tenant', true), '')))
  with check (id = (select nullif(current_setting('app.tenant', true), '')));
create policy tenants_of_all on muster.tenants to muster_system using (true) with check (true);

alter table muster.agents enable row level security, force row level security;
grant select, insert, update on muster.agents to muster_app;
grant select, insert, update, delete on muster.agents to muster_system;
create policy agents_of_tenant on muster.agents to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agents_of_all on muster.agents to muster_system using (true) with check (true);
create policy agents_shared on muster.agents for select to muster_app using (tenant_id = 'system');

alter table muster.agent_heartbeats enable row level security, force row level security;
grant select, insert, update on muster.agent_heartbeats to muster_app;
grant select, insert, update, delete on muster.agent_heartbeats to muster_system;
create policy agent_heartbeats_of_tenant on muster.agent_heartbeats to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_heartbeats_of_all on muster.agent_heartbeats to muster_system using (true) with check (true);

alter table muster.agent_graphs enable row level security, force row level security;
grant select, insert, update on muster.agent_graphs to muster_app;
grant select, insert, update, delete on muster.agent_graphs to muster_system;
create policy agent_graphs_of_tenant on muster.agent_graphs to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_graphs_of_all on muster.agent_graphs to muster_system using (true) with check (true);
create policy agent_graphs_shared on muster.agent_graphs for select to muster_app using (tenant_id = 'system');

alter table muster.agent_components enable row level security, force row level security;
grant select, insert, update on muster.agent_components to muster_app;
grant select, insert, update, delete on muster.agent_components to muster_system;
create policy agent_components_of_tenant on muster.agent_components to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_components_of_all on muster.agent_components to muster_system using (true) with check (true);
create policy agent_components_shared on muster.agent_components for select to muster_app using (tenant_id = 'system');

alter table muster.component_connections enable row level security, force row level security;
grant select, insert, update on muster.component_connections to muster_app;
grant select, insert, update, delete on muster.component_connections to muster_system;
create policy component_connections_of_tenant on muster.component_connections to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy component_connections_of_all on muster.component_connections to muster_system using (true) with check (true);
create policy component_connections_shared on muster.component_connections for select to muster_app using (tenant_id = 'system');

alter table muster.tasks enable row level security, force row level security;
grant select, insert, update on muster.tasks to muster_app;
grant select, insert, update, delete on muster.tasks to muster_system;
create policy tasks_of_tenant on muster.tasks to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy tasks_of_all on muster.tasks to muster_system using (true) with check (true);

alter table muster.task_dependencies enable row level security, force row level security;
grant select, insert on muster.task_dependencies to muster_app;
grant select, insert, delete on muster.task_dependencies to muster_system;
create policy task_dependencies_of_tenant on muster.task_dependencies to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy task_dependencies_of_all on muster.task_dependencies to muster_system using (true) with check (true);

alter table muster.artifacts enable row level security, force row level security;
-- A name may be written again over itself, which is how writing an artifact twice finds the first one; nothing else may.
grant select, insert, update (name) on muster.artifacts to muster_app;
grant select, insert, delete on muster.artifacts to muster_system;
create policy artifacts_of_tenant on muster.artifacts to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy artifacts_of_all on muster.artifacts to muster_system using (true) with check (true);

alter table muster.agent_traces enable row level security, force row level security;
grant select, insert, update on muster.agent_traces to muster_app;
grant select, insert, update, delete on muster.agent_traces to muster_system;
create policy agent_traces_of_tenant on muster.agent_traces to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_traces_of_all on muster.agent_traces to muster_system using (true) with check (true);

alter table muster.agent_runs enable row level security, force row level security;
grant select, insert, update, delete on muster.agent_runs to muster_app;
grant select, insert, update, delete on muster.agent_runs to muster_system;
create policy agent_runs_of_tenant on muster.agent_runs to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_runs_of_all on muster.agent_runs to muster_system using (true) with check (true);

alter table muster.trace_events enable row level security, force row level security;
grant select, insert on muster.trace_events to muster_app;
grant select, insert, delete on muster.trace_events to muster_system;
create policy trace_events_of_tenant on muster.trace_events to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy trace_events_of_all on muster.trace_events to muster_system using (true) with check (true);

alter table muster.agent_messages enable row level security, force row level security;
grant select, insert, update on muster.agent_messages to muster_app;
grant select, insert, update, delete on muster.agent_messages to muster_system;
create policy agent_messages_of_tenant on muster.agent_messages to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_messages_of_all on muster.agent_messages to muster_system using (true) with check (true);

alter table muster.activity_effects enable row level security, force row level security;
grant select, insert, update on muster.activity_effects to muster_app;
grant select, insert, update, delete on muster.activity_effects to muster_system;
create policy activity_effects_of_tenant on muster.activity_effects to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy activity_effects_of_all on muster.activity_effects to muster_system using (true) with check (true);

alter table muster.outbox enable row level security, force row level security;
grant select, insert on muster.outbox to muster_app;
grant select, insert, update, delete on muster.outbox to muster_system;
create policy outbox_of_tenant on muster.outbox to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy outbox_of_all on muster.outbox to muster_system using (true) with check (true);

alter table muster.audit_log enable row level security, force row level security;
grant select, insert on muster.audit_log to muster_app;
grant select, insert on muster.audit_log to muster_system;
create policy audit_log_of_tenant on muster.audit_log to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy audit_log_of_all on muster.audit_log to muster_system using (true) with check (true);
