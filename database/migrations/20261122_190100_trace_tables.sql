-- Traces, runs, events, messages, heartbeats and the effect ledger.
-- Generated from the entities, then read. Every word list stands in domain/.

create table muster.agent_traces (
  id uuid not null,
  tenant_id text not null,
  task_id uuid not null,
  number int not null,
  graph_id uuid not null,
  workflow_id text not null,
  run_id text null,
  status text not null default 'running',
  channel_id text null,
  user_id text null,
  route_kind text null,
  router_json jsonb null,
  experts_json jsonb null,
  agent_graph_json jsonb null,
  budget_json jsonb null,
  token_json jsonb null,
  tool_json jsonb null,
  quality_json jsonb null,
  reasoning_text text null,
  reply_text text not null default '',
  error jsonb null,
  next_seq int not null default 1,
  created_at timestamptz not null default now(),
  finished_at timestamptz null,
  primary key (id)
);
create index agent_traces_graph_index on muster.agent_traces (graph_id);
alter table muster.agent_traces
  add constraint agent_traces_workflow_unique unique (workflow_id);
create index agent_traces_tenant_index on muster.agent_traces (tenant_id, created_at);
create index agent_traces_user_index on muster.agent_traces (tenant_id, user_id, created_at);
create index agent_traces_ended_index on muster.agent_traces (finished_at) where finished_at is not null;
alter table muster.agent_traces
  add constraint agent_traces_tenant_id_unique unique (tenant_id, id),
  add constraint agent_traces_task_number_unique unique (task_id, number),
  add constraint agent_traces_finished_check check ((finished_at is null) = (status = 'running')),
  add constraint agent_traces_number_check check (number > 0),
  add constraint agent_traces_status_check check (status in ('running', 'completed', 'failed', 'cancelled'));

create table muster.agent_runs (
  id uuid not null,
  tenant_id text not null,
  trace_id uuid not null,
  node_id text not null,
  agent text not null,
  kind text not null,
  status text not null default 'pending',
  attempts int not null default 0,
  failures int not null default 0,
  crashes int not null default 0,
  outcome text null,
  started_at timestamptz null,
  finished_at timestamptz null,
  latency_ms int null,
  output jsonb null,
  output_artifact_id uuid null,
  error_code text null,
  error_text text null,
  metadata_json jsonb null,
  created_at timestamptz not null default now(),
  primary key (id)
);
create index agent_runs_created_index on muster.agent_runs using brin (created_at);
create index agent_runs_agent_index on muster.agent_runs (tenant_id, agent, created_at);
alter table muster.agent_runs
  add constraint agent_runs_trace_node_unique unique (trace_id, node_id),
  add constraint agent_runs_finished_check check ((finished_at is not null) = (status in ('ok', 'retryable_error',
      'fatal_error', 'skipped'))),
  add constraint agent_runs_kind_check check (kind in ('agent', 'tool', 'condition')),
  add constraint agent_runs_status_check check (status in ('pending', 'running', 'ok', 'retryable_error',
      'fatal_error', 'skipped')),
  add constraint agent_runs_outcome_check check (outcome in ('true', 'false'));

create table muster.agent_messages (
  "timestamp" timestamptz not null,
  id uuid not null,
  tenant_id text not null,
  from_agent_id uuid null,
  to_agent_id uuid null,
  message_type text not null,
  priority smallint not null default 3,
  payload jsonb not null,
  status text not null default 'pending',
  processed boolean generated always as (status = 'processed') stored not null,
  correlation_id uuid null,
  attempts int not null default 0,
  leased_until timestamptz null,
  lease_owner text null,
  fence bigint not null default '0',
  dead_reason text null,
  processed_at timestamptz null,
  primary key ("timestamp", id)
);
create index agent_messages_mailbox_index on muster.agent_messages (to_agent_id, processed, "timestamp" desc);
create index agent_messages_tenant_index on muster.agent_messages (tenant_id, "timestamp");
alter table muster.agent_messages
  add constraint agent_messages_priority_check check (priority >= 1 and priority <= 4),
  add constraint agent_messages_message_type_check check (message_type in ('command', 'query', 'response', 'event',
      'heartbeat', 'error')),
  add constraint agent_messages_status_check check (status in ('pending', 'leased', 'processed', 'dead'));

create table muster.agent_heartbeats (
  agent_id uuid not null,
  tenant_id text not null,
  worker_id text not null,
  beat_at timestamptz not null,
  primary key (agent_id)
);

create table muster.activity_effects (
  tenant_id text not null,
  effect_key text not null,
  task_id uuid not null,
  state text not null,
  request_hash text not null,
  result jsonb null,
  attempt int not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz null,
  primary key (tenant_id, effect_key)
);
create index activity_effects_task_index on muster.activity_effects (task_id);
alter table muster.activity_effects
  add constraint activity_effects_state_check check (state in ('pending', 'done'));

create table muster.trace_events (
  trace_id uuid not null,
  seq int not null,
  tenant_id text not null,
  type text not null,
  node_id text null,
  data jsonb null,
  at timestamptz not null default now(),
  primary key (trace_id, seq)
);
create index trace_events_at_index on muster.trace_events using brin (at);
alter table muster.trace_events
  add constraint trace_events_seq_check check (seq > 0),
  add constraint trace_events_type_check check (type in ('trace.started', 'trace.paused', 'trace.resumed',
      'trace.completed', 'trace.failed', 'trace.cancelled', 'run.started', 'run.retried', 'run.completed',
      'run.failed', 'run.skipped', 'artifact.written'));
