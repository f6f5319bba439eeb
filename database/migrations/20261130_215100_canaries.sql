-- What came of canaries, and until when each is closed.
create table muster.canaries (
  tenant_id text not null,
  name text not null,
  outcomes text not null default '',
  cooldown_until timestamptz null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
alter table muster.canaries
  add constraint canaries_outcomes_check check (length(outcomes) <= 1000 and outcomes ~ '^[01]*$');

alter table muster.canaries enable row level security, force row level security;
grant select, insert, update on muster.canaries to muster_app;
grant select, insert, update, delete on muster.canaries to muster_system;
create policy canaries_of_tenant on muster.canaries to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy canaries_of_all on muster.canaries to muster_system using (true) with check (true);

-- On whose behalf the turn of an input acts that an agent's tool appended; null for most.
alter table muster.conversation_turns add column acts_for text[] null;
