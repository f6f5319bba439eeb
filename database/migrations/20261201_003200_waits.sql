-- Runs that wait for a person, a message, an event or a time, and messages for which nothing waits yet.

-- Both grow with tasks: no foreign keys, docs/decisions/2026-11-30-growing-rows-have-no-foreign-keys.md.
create table muster.run_waits (
  tenant_id text not null,
  id uuid not null,
  task_id uuid not null,
  trace_id uuid not null,
  path text not null,
  kind text not null,
  name text null,
  key text null,
  request jsonb not null default '{}',
  state text not null default 'waiting',
  answer jsonb null,
  answered_by text null,
  answered_at timestamptz null,
  until timestamptz null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index run_waits_trace_index on muster.run_waits (trace_id);
create index run_waits_task_index on muster.run_waits (task_id);
create index run_waits_waiting_index on muster.run_waits (tenant_id, kind, name) where state = 'waiting';
alter table muster.run_waits
  add constraint run_waits_run_unique unique (tenant_id, trace_id, path),
  add constraint run_waits_kind_check check (kind in ('message', 'event', 'time', 'entities')),
  add constraint run_waits_state_check check (state in ('waiting', 'answered', 'expired')),
  add constraint run_waits_answered_check check ((answered_at is not null) = (state = 'answered'));

create table muster.task_messages (
  id bigint generated always as identity primary key,
  tenant_id text not null,
  task_id uuid not null,
  name text not null,
  data jsonb null,
  sent_by text not null,
  created_at timestamptz not null default now()
);
create index task_messages_task_index on muster.task_messages (task_id, name, id);

alter table muster.run_waits enable row level security, force row level security;
grant select, insert, update on muster.run_waits to muster_app;
grant select, insert, update, delete on muster.run_waits to muster_system;
create policy run_waits_of_tenant on muster.run_waits to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy run_waits_of_all on muster.run_waits to muster_system using (true) with check (true);

alter table muster.task_messages enable row level security, force row level security;
grant select, insert, delete on muster.task_messages to muster_app;
grant select, insert, update, delete on muster.task_messages to muster_system;
create policy task_messages_of_tenant on muster.task_messages to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy task_messages_of_all on muster.task_messages to muster_system using (true) with check (true);

-- Who deletes traces deletes what their runs waited for; who deletes tasks deletes the messages to them.
create function muster.remove_waits() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.run_waits where trace_id = any (array(select id from gone));
  return null;
end $$;
create trigger agent_traces_remove_waits after delete on muster.agent_traces
  referencing old table as gone for each statement execute function muster.remove_waits();
create function muster.remove_task_messages() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.task_messages where task_id = any (array(select id from gone));
  return null;
end $$;
create trigger tasks_remove_messages after delete on muster.tasks
  referencing old table as gone for each statement execute function muster.remove_task_messages();

-- Null for a node of a graph that asks by itself.
alter table muster.approvals alter column tool drop not null;

alter table muster.agent_components drop constraint agent_components_component_type_check;
alter table muster.agent_components
  add constraint agent_components_component_type_check
    check (component_type in ('agent', 'tool', 'condition', 'prompt', 'output-parser', 'guardrail', 'llm',
      'sub-graph', 'each', 'repeat', 'approval', 'wait', 'entity-collector'));
-- Every row fulfils the longer lists already, so nothing is looked through.
alter table muster.agent_runs drop constraint agent_runs_kind_check;
alter table muster.agent_runs
  add constraint agent_runs_kind_check
    check (kind in ('agent', 'tool', 'condition', 'prompt', 'output-parser', 'guardrail', 'llm', 'sub-graph', 'each',
      'repeat', 'approval', 'wait', 'entity-collector')) not valid;
alter table muster.outbox drop constraint outbox_topic_check;
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished', 'task.killed',
      'approval.decided', 'wait.ended', 'budget.granted'));
alter table muster.trace_events drop constraint trace_events_type_check;
alter table muster.trace_events
  add constraint trace_events_type_check check (type in ('trace.started', 'trace.paused', 'trace.resumed',
      'trace.completed', 'trace.failed', 'trace.cancelled', 'run.started', 'run.retried', 'run.completed',
      'run.failed', 'run.skipped', 'run.waits', 'artifact.written', 'model.answered', 'tool.decided', 'tool.ended'))
    not valid;
