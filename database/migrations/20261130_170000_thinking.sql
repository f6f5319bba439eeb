-- What a thinking agent asked of models and tools. A row is known by its place in the trace and never by the attempt, so
-- that the process that comes later finds what was paid for. Rows that grow have no foreign keys:
-- docs/decisions/2026-11-30-growing-rows-have-no-foreign-keys.md.
create table muster.model_calls (
  tenant_id text not null,
  trace_id uuid not null,
  path text not null,
  step int not null,
  task_id uuid not null,
  agent text not null,
  model text not null,
  provider text null,
  state text not null,
  request_hash text not null,
  claim uuid not null,
  process text not null,
  attempts int not null default 1,
  failures int not null default 0,
  answer jsonb null,
  fault text null,
  input_tokens int not null default 0,
  cached_tokens int not null default 0,
  output_tokens int not null default 0,
  reasoning_tokens int not null default 0,
  cost_micros bigint not null default '0',
  key_source text null,
  context jsonb null,
  error jsonb null,
  started_at timestamptz not null default now(),
  finished_at timestamptz null,
  primary key (tenant_id, trace_id, path, step)
);
create index model_calls_trace_index on muster.model_calls (trace_id);
create index model_calls_task_index on muster.model_calls (task_id);
create index model_calls_doubt_index on muster.model_calls (tenant_id) where state = 'in_doubt';
alter table muster.model_calls
  add constraint model_calls_step_check check (step > 0),
  add constraint model_calls_state_check check (state in ('pending', 'done', 'failed', 'in_doubt'));

create table muster.tool_calls (
  tenant_id text not null,
  trace_id uuid not null,
  path text not null,
  step int not null,
  "index" int not null,
  task_id uuid not null,
  agent text not null,
  tool text not null,
  call_id text not null,
  arguments jsonb null,
  digest text not null,
  state text not null,
  attempts int not null default 0,
  decision jsonb null,
  approval_id uuid null,
  result jsonb null,
  started_at timestamptz null,
  finished_at timestamptz null,
  primary key (tenant_id, trace_id, path, step, "index")
);
create index tool_calls_trace_index on muster.tool_calls (trace_id);
create index tool_calls_task_index on muster.tool_calls (task_id);
create index tool_calls_doubt_index on muster.tool_calls (tenant_id) where state = 'in_doubt';
alter table muster.tool_calls
  add constraint tool_calls_step_check check (step > 0 and "index" >= 0),
  add constraint tool_calls_state_check check (state in ('asked', 'waiting', 'running', 'done', 'failed', 'denied',
      'in_doubt'));

alter table muster.model_calls enable row level security, force row level security;
grant select, insert, update on muster.model_calls to muster_app;
grant select, insert, update, delete on muster.model_calls to muster_system;
create policy model_calls_of_tenant on muster.model_calls to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy model_calls_of_all on muster.model_calls to muster_system using (true) with check (true);

alter table muster.tool_calls enable row level security, force row level security;
grant select, insert, update on muster.tool_calls to muster_app;
grant select, insert, update, delete on muster.tool_calls to muster_system;
create policy tool_calls_of_tenant on muster.tool_calls to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy tool_calls_of_all on muster.tool_calls to muster_system using (true) with check (true);

alter table muster.model_calls set (fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);
alter table muster.tool_calls set (fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_limit = 1000);

-- Who deletes a trace deletes what was asked and answered in it.
create function muster.remove_thinking() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.model_calls where trace_id = any (array(select id from gone));
  delete from muster.tool_calls where trace_id = any (array(select id from gone));
  return null;
end $$;
create trigger agent_traces_remove_thinking after delete on muster.agent_traces
  referencing old table as gone for each statement execute function muster.remove_thinking();

-- Every row fulfils the longer list already, so nothing is looked through.
alter table muster.trace_events drop constraint trace_events_type_check;
alter table muster.trace_events
  add constraint trace_events_type_check check (type in ('trace.started', 'trace.paused', 'trace.resumed',
      'trace.completed', 'trace.failed', 'trace.cancelled', 'run.started', 'run.retried', 'run.completed',
      'run.failed', 'run.skipped', 'artifact.written', 'model.answered', 'tool.decided', 'tool.ended')) not valid;
