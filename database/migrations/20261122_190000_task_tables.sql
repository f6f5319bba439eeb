-- Tenants, configuration, retention, audit, agents, graphs and tasks.
-- Generated from the entities, then read. Every word list stands in domain/.

create table muster.retention_policies (
  resource text not null,
  mode text not null default 'age',
  max_age_days int not null,
  batch_size int not null default 1000,
  enabled boolean not null default true,
  last_run_at timestamptz null,
  last_removed bigint null,
  primary key (resource)
);
alter table muster.retention_policies
  add constraint retention_policies_max_age_days_check check (max_age_days > 0),
  add constraint retention_policies_batch_size_check check (batch_size >= 1 and batch_size <= 10000),
  add constraint retention_policies_resource_check check (resource in ('tasks', 'agent_traces', 'agent_runs',
      'trace_events', 'artifacts', 'agent_messages', 'outbox')),
  add constraint retention_policies_mode_check check (mode in ('age'));

create table muster.system_config (
  "key" text not null,
  "value" jsonb not null,
  description text null,
  updated_at timestamptz not null default now(),
  primary key ("key")
);

create table muster.tenants (
  id text not null,
  created_at timestamptz not null default now(),
  primary key (id)
);
alter table muster.tenants
  add constraint tenants_id_check check (id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');

create table muster.audit_log (
  id uuid not null,
  tenant_id text not null,
  actor text not null,
  action text not null,
  subject_type text not null,
  subject_id text not null,
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (id)
);
create index audit_log_tenant_index on muster.audit_log (tenant_id, created_at);

create table muster.agent_graphs (
  id uuid not null,
  tenant_id text not null,
  name varchar(255) not null,
  version int not null,
  status text not null default 'draft',
  description text not null default '',
  schema_version text not null,
  width int not null,
  input_schema jsonb null,
  document_property text null,
  output jsonb not null,
  definition_hash text not null,
  task_queue text not null,
  created_at timestamptz not null default now(),
  published_at timestamptz null,
  primary key (id)
);
alter table muster.agent_graphs
  add constraint agent_graphs_tenant_id_unique unique (tenant_id, id),
  add constraint agent_graphs_tenant_name_version_unique unique (tenant_id, name, version),
  add constraint agent_graphs_published_check check ((status = 'published') = (published_at is not null)),
  add constraint agent_graphs_version_check check (version > 0),
  add constraint agent_graphs_width_check check (width >= 1 and width <= 16),
  add constraint agent_graphs_status_check check (status in ('draft', 'published'));

create table muster.agent_components (
  id uuid not null,
  tenant_id text not null,
  graph_id uuid not null,
  node_id text not null,
  component_type text not null,
  handler text null,
  objective text not null,
  quick boolean not null default false,
  "position" int not null,
  configuration jsonb not null,
  timeout_ms int not null,
  max_retries int not null,
  input_tokens int not null,
  output_tokens int not null,
  metadata jsonb not null default '{}',
  primary key (id)
);
alter table muster.agent_components
  add constraint agent_components_graph_node_unique unique (graph_id, node_id),
  add constraint agent_components_graph_id_unique unique (graph_id, id),
  add constraint agent_components_timeout_ms_check check (timeout_ms >= 1 and timeout_ms <= 300000),
  add constraint agent_components_max_retries_check check (max_retries >= 0 and max_retries <= 3),
  add constraint agent_components_input_tokens_check check (input_tokens >= 1),
  add constraint agent_components_output_tokens_check check (output_tokens >= 1),
  add constraint agent_components_component_type_check check (component_type in ('agent', 'tool', 'condition'));

create table muster.component_connections (
  id uuid not null,
  tenant_id text not null,
  graph_id uuid not null,
  source_component_id uuid not null,
  target_component_id uuid not null,
  connection_type text not null,
  required boolean not null default true,
  outcome text null,
  metadata jsonb not null default '{}',
  primary key (id)
);
create index component_connections_graph_index on muster.component_connections (graph_id, source_component_id);
create index component_connections_target_index on muster.component_connections (graph_id, target_component_id);
alter table muster.component_connections
  add constraint component_connections_ends_unique unique (source_component_id, target_component_id),
  add constraint component_connections_ends_check check (source_component_id <> target_component_id),
  add constraint component_connections_condition_check check ((connection_type = 'condition') = (outcome is not null)),
  add constraint component_connections_connection_type_check check (connection_type in ('default', 'condition')),
  add constraint component_connections_outcome_check check (outcome in ('true', 'false'));

create table muster.agents (
  id uuid not null,
  tenant_id text not null,
  name varchar(255) not null,
  type text not null,
  status text not null default 'inactive',
  description text not null default '',
  last_heartbeat timestamptz null,
  config jsonb not null default '{}',
  metrics jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (id)
);
alter table muster.agents
  add constraint agents_tenant_id_unique unique (tenant_id, id),
  add constraint agents_tenant_name_unique unique (tenant_id, name),
  add constraint agents_type_check check (type in ('director', 'worker', 'assistant', 'tool')),
  add constraint agents_status_check check (status in ('inactive', 'starting', 'active', 'busy', 'idle', 'offline',
      'failed'));

create table muster.tasks (
  id uuid not null,
  tenant_id text not null,
  graph_id uuid not null,
  graph_name varchar(255) not null,
  task_queue text not null,
  title varchar(500) not null,
  description text null,
  status text not null default 'pending',
  priority smallint not null default 5,
  user_id text null,
  idempotency_key text null,
  request_hash text not null,
  input jsonb null,
  input_artifact_id uuid null,
  output jsonb null,
  output_artifact_id uuid null,
  error jsonb null,
  fence bigint not null default '0',
  trace_count int not null default 0,
  claimed_by text null,
  claimed_at timestamptz null,
  cancel_requested_at timestamptz null,
  due_date timestamptz null,
  started_at timestamptz null,
  completed_at timestamptz null,
  dead_lettered_at timestamptz null,
  dead_letter_reason text null,
  budget jsonb not null default '{}',
  created_by uuid null,
  assigned_to uuid null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (id)
);
create index tasks_graph_index on muster.tasks (graph_id);
create index tasks_claim_index on muster.tasks (task_queue, priority, created_at) where status = 'pending';
create index tasks_user_waiting_index on muster.tasks (tenant_id, user_id, created_at) where status = 'pending' and
  user_id is not null;
create index tasks_tenant_status_index on muster.tasks (tenant_id, status, created_at desc);
create index tasks_open_index on muster.tasks (claimed_at) where status in ('in_progress', 'waiting_input',
  'waiting_approval', 'paused');
create index tasks_ended_index on muster.tasks (completed_at) where completed_at is not null;
alter table muster.tasks
  add constraint tasks_tenant_id_unique unique (tenant_id, id);
create unique index tasks_idempotency_unique on muster.tasks (tenant_id, idempotency_key) where idempotency_key is not
  null;
create unique index tasks_open_user_unique on muster.tasks (tenant_id, user_id) where user_id is not null and status
  in ('in_progress', 'waiting_input', 'waiting_approval', 'paused');
alter table muster.tasks
  add constraint tasks_completed_check check ((completed_at is not null) = (status in ('completed', 'failed',
      'cancelled'))),
  add constraint tasks_priority_check check (priority >= 1 and priority <= 10),
  add constraint tasks_idempotency_key_check check (length(idempotency_key) >= 1 and length(idempotency_key) <= 255),
  add constraint tasks_status_check check (status in ('pending', 'deferred', 'blocked', 'in_progress',
      'waiting_input', 'waiting_approval', 'paused', 'completed', 'failed', 'cancelled'));

create table muster.task_dependencies (
  task_id uuid not null,
  depends_on_task_id uuid not null,
  tenant_id text not null,
  primary key (task_id, depends_on_task_id)
);
create index task_dependencies_wanted_index on muster.task_dependencies (depends_on_task_id);
alter table muster.task_dependencies
  add constraint task_dependencies_ends_check check (task_id <> depends_on_task_id);

create table muster.outbox (
  id bigint generated always as identity not null primary key,
  tenant_id text not null,
  topic text not null,
  task_id uuid not null,
  payload jsonb not null default '{}',
  attempts int not null default 0,
  last_error text null,
  created_at timestamptz not null default now(),
  sent_at timestamptz null
);
create index outbox_unsent_index on muster.outbox (created_at) where sent_at is null;
create index outbox_sent_index on muster.outbox (sent_at) where sent_at is not null;
create index outbox_task_index on muster.outbox (task_id);
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished'));

create table muster.artifacts (
  id uuid not null,
  tenant_id text not null,
  task_id uuid null,
  name text not null,
  media_type text not null,
  sha256 text not null,
  size_bytes int not null,
  content bytea not null,
  created_at timestamptz not null default now(),
  primary key (id)
);
create index artifacts_created_index on muster.artifacts (created_at);
create unique index artifacts_task_name_unique on muster.artifacts (task_id, name) where task_id is not null;
alter table muster.artifacts
  add constraint artifacts_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
  add constraint artifacts_size_bytes_check check (size_bytes >= 0);
