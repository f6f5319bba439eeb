-- Runs of evaluation sets, each against one version of a graph. They outlive the tasks of their cases.
create table muster.eval_runs (
  tenant_id text not null,
  id uuid not null,
  name text not null,
  graph_id uuid not null,
  graph_name text not null,
  graph_version int not null,
  definition jsonb not null,
  definition_hash text not null,
  state text not null default 'running',
  created_at timestamptz not null default now(),
  completed_at timestamptz null,
  primary key (id)
);
create unique index eval_runs_tenant_id_unique on muster.eval_runs (tenant_id, id);
alter table muster.eval_runs
  add constraint eval_runs_state_check check (state in ('running', 'completed', 'abandoned')),
  add constraint eval_runs_completed_check check ((state = 'completed') = (completed_at is not null));
-- Two programs that run the same set at once have one run.
create unique index eval_runs_running_unique on muster.eval_runs (tenant_id, graph_id, name, definition_hash)
  where state = 'running';
create index eval_runs_named_index on muster.eval_runs (tenant_id, name, graph_id, completed_at);

create table muster.eval_scores (
  tenant_id text not null,
  run_id uuid not null,
  "case" text not null,
  scorer text not null,
  score double precision not null,
  reason text null,
  task_id uuid null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, run_id, "case", scorer)
);
alter table muster.eval_scores
  add constraint eval_scores_run_of_tenant foreign key (tenant_id, run_id)
      references muster.eval_runs (tenant_id, id) on delete cascade,
  add constraint eval_scores_score_check check (score between 0 and 1);

-- What a version of a graph must have scored before it may be activated.
create table muster.graph_requirements (
  tenant_id text not null,
  graph_name text not null,
  eval text not null,
  scorer text not null,
  at_least double precision not null,
  primary key (tenant_id, graph_name, eval, scorer)
);
alter table muster.graph_requirements
  add constraint graph_requirements_at_least_check check (at_least between 0 and 1);

alter table muster.eval_runs enable row level security, force row level security;
grant select, insert, update on muster.eval_runs to muster_app;
grant select, insert, update, delete on muster.eval_runs to muster_system;
create policy eval_runs_of_tenant on muster.eval_runs to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy eval_runs_of_all on muster.eval_runs to muster_system using (true) with check (true);

alter table muster.eval_scores enable row level security, force row level security;
grant select, insert on muster.eval_scores to muster_app;
grant select, insert, update, delete on muster.eval_scores to muster_system;
create policy eval_scores_of_tenant on muster.eval_scores to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy eval_scores_of_all on muster.eval_scores to muster_system using (true) with check (true);

alter table muster.graph_requirements enable row level security, force row level security;
grant select, insert, update, delete on muster.graph_requirements to muster_app;
grant select, insert, update, delete on muster.graph_requirements to muster_system;
create policy graph_requirements_of_tenant on muster.graph_requirements to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy graph_requirements_of_all on muster.graph_requirements to muster_system using (true) with check (true);
