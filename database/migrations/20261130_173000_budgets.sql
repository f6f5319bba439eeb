-- What tenants, users, conversations, tasks and sub-graphs may spend, and what each call reserved of it.
create table muster.budgets (
  tenant_id text not null,
  scope text not null,
  "level" smallint not null,
  task_id uuid null,
  parents text[] not null default '{}',
  depth int not null default 0,
  token_limit bigint null,
  money_limit bigint null,
  step_limit bigint null,
  time_limit_ms bigint null,
  depth_limit int null,
  fan_out_limit int null,
  soft_percent smallint not null default 80,
  tokens_spent bigint not null default '0',
  money_spent bigint not null default '0',
  steps_spent bigint not null default '0',
  tokens_reserved bigint not null default '0',
  money_reserved bigint not null default '0',
  steps_reserved bigint not null default '0',
  fan_out int not null default 0,
  begun_at timestamptz null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, scope)
);
create index budgets_task_index on muster.budgets (task_id) where task_id is not null;
alter table muster.budgets
  add constraint budgets_level_check check ("level" >= 1 and "level" <= 5),
  add constraint budgets_soft_percent_check check (soft_percent >= 1 and soft_percent <= 100);
-- A hot budget is written a thousand times a second: its versions stay in their page.
alter table muster.budgets set (fillfactor = 40);

create table muster.budget_reservations (
  tenant_id text not null,
  "key" text not null,
  task_id uuid null,
  scopes text[] not null,
  tokens bigint not null,
  cost_micros bigint not null,
  steps bigint not null,
  state text not null,
  process text not null,
  created_at timestamptz not null default now(),
  settled_at timestamptz null,
  primary key (tenant_id, "key")
);
create index budget_reservations_open_index on muster.budget_reservations (created_at)
  where state in ('held', 'begun');
create index budget_reservations_task_index on muster.budget_reservations (task_id) where task_id is not null;
alter table muster.budget_reservations
  add constraint budget_reservations_state_check
    check (state in ('held', 'begun', 'settled', 'released', 'in_doubt'));
-- Each is written twice.
alter table muster.budget_reservations set (fillfactor = 70);

alter table muster.budgets enable row level security, force row level security;
grant select, insert, update, delete on muster.budgets to muster_app;
grant select, insert, update, delete on muster.budgets to muster_system;
create policy budgets_of_tenant on muster.budgets to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy budgets_of_all on muster.budgets to muster_system using (true) with check (true);

alter table muster.budget_reservations enable row level security, force row level security;
grant select, insert, update on muster.budget_reservations to muster_app;
grant select, insert, update, delete on muster.budget_reservations to muster_system;
create policy budget_reservations_of_tenant on muster.budget_reservations to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy budget_reservations_of_all on muster.budget_reservations to muster_system using (true) with check (true);

-- Who deletes tasks deletes their budgets and reservations, in the same statement.
create function muster.remove_budgets() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.budgets where task_id = any (array(select id from gone));
  delete from muster.budget_reservations where task_id = any (array(select id from gone));
  return null;
end $$;
create trigger tasks_remove_budgets after delete on muster.tasks
  referencing old table as gone for each statement execute function muster.remove_budgets();

alter table muster.outbox drop constraint outbox_topic_check;
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished', 'task.killed',
      'approval.decided', 'budget.granted'));
