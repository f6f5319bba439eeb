-- Configurations of components and whole graphs, to be copied by their names. Those of the tenant "system" are for all.

create table muster.component_templates (
  tenant_id text not null,
  name text not null,
  revision int not null default 1,
  description text not null default '',
  component_type text not null,
  configuration_schema jsonb not null default '{}',
  default_configuration jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
create table muster.agent_templates (
  tenant_id text not null,
  name text not null,
  revision int not null default 1,
  description text not null default '',
  category text not null default '',
  tags text[] not null default '{}',
  -- In json, unlike in jsonb, the components keep their order.
  document json not null,
  uses int not null default 0,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);

alter table muster.component_templates enable row level security, force row level security;
grant select, insert, update on muster.component_templates to muster_app;
grant select, insert, update, delete on muster.component_templates to muster_system;
create policy component_templates_of_tenant on muster.component_templates to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy component_templates_of_all on muster.component_templates to muster_system using (true) with check (true);
create policy component_templates_shared on muster.component_templates for select to muster_app using (tenant_id = 'system');

alter table muster.agent_templates enable row level security, force row level security;
grant select, insert, update on muster.agent_templates to muster_app;
grant select, insert, update, delete on muster.agent_templates to muster_system;
create policy agent_templates_of_tenant on muster.agent_templates to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_templates_of_all on muster.agent_templates to muster_system using (true) with check (true);
create policy agent_templates_shared on muster.agent_templates for select to muster_app using (tenant_id = 'system');
