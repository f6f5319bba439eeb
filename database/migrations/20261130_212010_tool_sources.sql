-- What workers offer to agents, and how the sources of tools do: written by workers, read by every tenant.
create table muster.offered_tools (
  tenant_id text not null,
  name text not null,
  source text null,
  description text not null,
  risk text not null,
  effect text not null,
  timeout_ms int not null,
  digest text null,
  offered_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
create table muster.tool_sources (
  tenant_id text not null,
  name text not null,
  state text not null,
  fault text null,
  protocol text null,
  process text not null,
  checked_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
alter table muster.tool_sources
  add constraint tool_sources_state_check check (state in ('ready', 'unavailable'));

alter table muster.offered_tools enable row level security, force row level security;
grant select, insert, update, delete on muster.offered_tools to muster_app, muster_system;
create policy offered_tools_of_tenant on muster.offered_tools to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy offered_tools_of_all on muster.offered_tools to muster_system using (true) with check (true);
create policy offered_tools_shared on muster.offered_tools for select to muster_app using (tenant_id = 'system');

alter table muster.tool_sources enable row level security, force row level security;
grant select, insert, update, delete on muster.tool_sources to muster_app, muster_system;
create policy tool_sources_of_tenant on muster.tool_sources to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy tool_sources_of_all on muster.tool_sources to muster_system using (true) with check (true);
create policy tool_sources_shared on muster.tool_sources for select to muster_app using (tenant_id = 'system');

-- What a tool was when it was granted, where it can change: null for the code of a worker.
alter table muster.grants add column tool_digest text null;
