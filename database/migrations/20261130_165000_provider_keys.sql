-- Keys of users and tenants for providers of models, encrypted by the program: the database never sees one.
create table muster.provider_keys (
  tenant_id text not null,
  -- Empty for the key of the whole tenant.
  user_id text not null default '',
  provider text not null,
  secret text not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, user_id, provider)
);
alter table muster.provider_keys
  add constraint provider_keys_secret_check check (starts_with(secret, 'enc:v1:'));

alter table muster.provider_keys enable row level security, force row level security;
grant select, insert, update, delete on muster.provider_keys to muster_app, muster_system;
create policy provider_keys_of_tenant on muster.provider_keys to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy provider_keys_of_all on muster.provider_keys to muster_system using (true) with check (true);
