-- Conversations, and their turns in the order in which their inputs came. They outlive the tasks of the turns.
create table muster.conversations (
  tenant_id text not null,
  id text not null,
  graph_name text not null,
  user_id text null,
  turn_count int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index conversations_updated_index on muster.conversations (tenant_id, updated_at desc);

-- Grows with inputs: no foreign keys, docs/decisions/2026-11-30-growing-rows-have-no-foreign-keys.md.
create table muster.conversation_turns (
  tenant_id text not null,
  conversation_id text not null,
  "number" int not null,
  "key" text null,
  text text not null,
  graph_name text not null,
  user_id text null,
  state text not null default 'queued',
  ends_as text null,
  task_id uuid null,
  reply text null,
  error jsonb null,
  created_at timestamptz not null default now(),
  started_at timestamptz null,
  ended_at timestamptz null,
  primary key (tenant_id, conversation_id, "number")
);
-- One turn of a conversation at a time, whoever begins it.
create unique index conversation_turns_running_unique on muster.conversation_turns (tenant_id, conversation_id)
  where state = 'running';
create unique index conversation_turns_key_unique on muster.conversation_turns (tenant_id, conversation_id, "key")
  where "key" is not null;
create unique index conversation_turns_task_unique on muster.conversation_turns (task_id) where task_id is not null;
create index conversation_turns_open_index on muster.conversation_turns (tenant_id, conversation_id, "number")
  where state in ('queued', 'running');
alter table muster.conversation_turns
  add constraint conversation_turns_state_check check (state in ('queued', 'running', 'answered', 'silent', 'failed',
      'interrupted', 'rolled_back')),
  add constraint conversation_turns_ends_as_check check (ends_as in ('interrupted', 'rolled_back')),
  add constraint conversation_turns_ended_check check ((ended_at is null) = (state in ('queued', 'running')));

alter table muster.conversations enable row level security, force row level security;
grant select, insert, update on muster.conversations to muster_app;
grant select, insert, update, delete on muster.conversations to muster_system;
create policy conversations_of_tenant on muster.conversations to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy conversations_of_all on muster.conversations to muster_system using (true) with check (true);

alter table muster.conversation_turns enable row level security, force row level security;
grant select, insert, update on muster.conversation_turns to muster_app;
grant select, insert, update, delete on muster.conversation_turns to muster_system;
create policy conversation_turns_of_tenant on muster.conversation_turns to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy conversation_turns_of_all on muster.conversation_turns to muster_system using (true) with check (true);
