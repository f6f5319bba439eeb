-- Tasks that continue the trace of another one. The origin may be gone: nothing points at it but these columns.
create table muster.task_forks (
  tenant_id text not null,
  task_id uuid not null,
  origin_task_id uuid not null,
  origin_trace_id uuid not null,
  origin_number int not null,
  at_path text not null,
  at_step int null,
  next_trace_id uuid not null,
  event_count int not null default 0,
  created_at timestamptz not null default now(),
  primary key (task_id)
);
create index task_forks_origin_index on muster.task_forks (tenant_id, origin_task_id);
alter table muster.task_forks
  add constraint task_forks_origin_number_check check (origin_number > 0),
  add constraint task_forks_at_step_check check (at_step > 0),
  add constraint task_forks_task_of_tenant foreign key (tenant_id, task_id)
    references muster.tasks (tenant_id, id) on delete cascade;

alter table muster.task_forks enable row level security, force row level security;
grant select, insert, update on muster.task_forks to muster_app;
grant select, insert, update, delete on muster.task_forks to muster_system;
create policy task_forks_of_tenant on muster.task_forks to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy task_forks_of_all on muster.task_forks to muster_system using (true) with check (true);

-- The trace in which a run, or a call of a thinking run, was carried out that this trace has only taken over.
alter table muster.agent_runs add column taken_from uuid null;
alter table muster.model_calls add column taken_from uuid null;
alter table muster.tool_calls add column taken_from uuid null;

-- Which model the thinking runs of a task call in the place of their own.
alter table muster.tasks add column model_choice jsonb null;
