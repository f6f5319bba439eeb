-- Which agents may use which tools, what a tenant rules about tools, and on which calls people decide.

create table muster.grants (
  tenant_id text not null,
  id uuid not null,
  agent text not null,
  tool text not null,
  condition jsonb null,
  approval boolean not null default false,
  per_task int null,
  per_hour int null,
  expires_at timestamptz null,
  granted_by text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz null,
  primary key (tenant_id, id)
);
create index grants_held_index on muster.grants (tenant_id, agent, tool) where revoked_at is null;
alter table muster.grants
  add constraint grants_per_task_check check (per_task > 0),
  add constraint grants_per_hour_check check (per_hour > 0);

create table muster.tool_policies (
  tenant_id text not null,
  version int not null,
  document jsonb null,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (tenant_id)
);
alter table muster.tool_policies
  add constraint tool_policies_version_check check (version > 0);

-- Grows with calls: no foreign keys, docs/decisions/2026-11-30-growing-rows-have-no-foreign-keys.md.
create table muster.grant_uses (
  tenant_id text not null,
  grant_id uuid not null,
  trace_id uuid not null,
  path text not null,
  step int not null,
  "index" int not null,
  task_id uuid not null,
  used_at timestamptz not null default now(),
  primary key (tenant_id, grant_id, trace_id, path, step, "index")
);
create index grant_uses_trace_index on muster.grant_uses (trace_id);
create index grant_uses_task_index on muster.grant_uses (tenant_id, grant_id, task_id);
create index grant_uses_hour_index on muster.grant_uses (tenant_id, grant_id, used_at);

create table muster.approvals (
  tenant_id text not null,
  id uuid not null,
  task_id uuid not null,
  trace_id uuid not null,
  path text not null,
  step int not null,
  "index" int not null,
  agent text not null,
  tool text not null,
  request jsonb not null,
  digest text not null,
  policy_version int not null,
  state text not null default 'waiting',
  decision jsonb null,
  decided_by text null,
  decided_at timestamptz null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index approvals_trace_index on muster.approvals (trace_id);
create index approvals_task_index on muster.approvals (task_id);
create index approvals_waiting_index on muster.approvals (tenant_id, created_at) where state = 'waiting';
alter table muster.approvals
  add constraint approvals_call_unique unique (tenant_id, trace_id, path, step, "index"),
  add constraint approvals_state_check check (state in ('waiting', 'approved', 'rejected')),
  add constraint approvals_decided_check check ((decided_at is null) = (state = 'waiting'));

alter table muster.grants enable row level security, force row level security;
grant select, insert, update on muster.grants to muster_app;
grant select, insert, update, delete on muster.grants to muster_system;
create policy grants_of_tenant on muster.grants to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy grants_of_all on muster.grants to muster_system using (true) with check (true);

alter table muster.tool_policies enable row level security, force row level security;
grant select, insert, update on muster.tool_policies to muster_app;
grant select, insert, update, delete on muster.tool_policies to muster_system;
create policy tool_policies_of_tenant on muster.tool_policies to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy tool_policies_of_all on muster.tool_policies to muster_system using (true) with check (true);

alter table muster.grant_uses enable row level security, force row level security;
grant select, insert, update on muster.grant_uses to muster_app;
grant select, insert, update, delete on muster.grant_uses to muster_system;
create policy grant_uses_of_tenant on muster.grant_uses to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy grant_uses_of_all on muster.grant_uses to muster_system using (true) with check (true);

alter table muster.approvals enable row level security, force row level security;
grant select, insert, update on muster.approvals to muster_app;
grant select, insert, update, delete on muster.approvals to muster_system;
create policy approvals_of_tenant on muster.approvals to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy approvals_of_all on muster.approvals to muster_system using (true) with check (true);

-- Who deletes a trace deletes what was asked of people in it, and how it used grants.
create function muster.remove_approvals() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.approvals where trace_id = any (array(select id from gone));
  delete from muster.grant_uses where trace_id = any (array(select id from gone));
  return null;
end $$;
create trigger agent_traces_remove_approvals after delete on muster.agent_traces
  referencing old table as gone for each statement execute function muster.remove_approvals();

-- `approval.decided`: a person decided on a call of a task, whose workflow is to look again.
alter table muster.outbox drop constraint outbox_topic_check;
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished', 'task.killed',
      'approval.decided'));

-- Every row fulfils the longer list already, so nothing is looked through.
alter table muster.trace_events drop constraint trace_events_type_check;
alter table muster.trace_events
  add constraint trace_events_type_check check (type in ('trace.started', 'trace.paused', 'trace.resumed',
      'trace.completed', 'trace.failed', 'trace.cancelled', 'run.started', 'run.retried', 'run.completed',
      'run.failed', 'run.skipped', 'artifact.written', 'model.answered', 'tool.decided', 'tool.ended')) not valid;
