-- What a call under an idempotency key was answered, so that its repetition gets the same answer and does nothing.
create table muster.operation_keys (
  tenant_id text not null,
  operation text not null,
  "key" text not null,
  request_hash text not null,
  answer jsonb null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, operation, "key")
);
create index operation_keys_created_index on muster.operation_keys (created_at);
alter table muster.operation_keys
  add constraint operation_keys_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);

alter table muster.operation_keys enable row level security, force row level security;
grant select, insert, update on muster.operation_keys to muster_app;
grant select, insert, update, delete on muster.operation_keys to muster_system;
create policy operation_keys_of_tenant on muster.operation_keys to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy operation_keys_of_all on muster.operation_keys to muster_system using (true) with check (true);

alter table muster.retention_policies drop constraint retention_policies_resource_check;
alter table muster.retention_policies
  add constraint retention_policies_resource_check check (resource in ('tasks', 'agent_traces', 'agent_runs',
      'trace_events', 'artifacts', 'agent_messages', 'outbox', 'operation_keys'));
insert into muster.retention_policies (resource, max_age_days) values ('operation_keys', 7);
