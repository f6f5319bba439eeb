-- Queues with limits, times and dependencies; leases of processes that speak for agents; mailboxes.

-- A task may wait for a moment, end by a deadline, count against limits, and repeat.
alter table muster.tasks
  add column start_after timestamptz null,
  add column deadline_at timestamptz null,
  add column concurrency_keys text[] not null default '{}',
  add column recurrence jsonb null,
  add column predecessor_id uuid null,
  add column checked_at timestamptz null,
  add column held_at timestamptz null;
create index tasks_start_after_index on muster.tasks (start_after) where status = 'deferred' and start_after is not null;
create index tasks_blocked_index on muster.tasks (created_at) where status = 'blocked';
create index tasks_deadline_index on muster.tasks (deadline_at) where deadline_at is not null and completed_at is null;
create index tasks_due_index on muster.tasks (tenant_id, due_date) where due_date is not null and completed_at is null;
create index tasks_recurring_index on muster.tasks (completed_at) where recurrence is not null and completed_at is not
  null;
create index tasks_dead_index on muster.tasks (tenant_id, dead_lettered_at) where dead_lettered_at is not null;
create unique index tasks_predecessor_unique on muster.tasks (predecessor_id) where predecessor_id is not null;
alter table muster.tasks
  add constraint tasks_dead_letter_check check (dead_lettered_at is null or status = 'failed');
-- Whole in the order in which tasks start, so that a first page costs a page and no sorting of all that wait.
drop index muster.tasks_claim_index;
create index tasks_claim_index on muster.tasks (task_queue, priority, created_at, id) where status = 'pending';
drop index muster.tasks_open_index;
create index tasks_checked_index on muster.tasks (checked_at) where status in ('in_progress', 'waiting_input',
  'waiting_approval', 'paused');
update muster.tasks set checked_at = claimed_at where claimed_at is not null and completed_at is null;
update muster.tasks set held_at = updated_at where status = 'deferred';

-- One slot of one limited key, held by one open task. The primary key is what keeps a limit exact.
create table muster.concurrency_slots (
  "key" text not null,
  slot int not null,
  task_id uuid not null,
  tenant_id text not null,
  fence bigint not null,
  taken_at timestamptz not null default now(),
  primary key ("key", slot)
);
create index concurrency_slots_task_index on muster.concurrency_slots (task_id);
alter table muster.concurrency_slots
  add constraint concurrency_slots_slot_check check (slot >= 1),
  add constraint concurrency_slots_task_of_tenant foreign key (tenant_id, task_id)
      references muster.tasks (tenant_id, id) on delete cascade;
alter table muster.concurrency_slots enable row level security, force row level security;
grant select, delete on muster.concurrency_slots to muster_app;
grant select, insert, update, delete on muster.concurrency_slots to muster_system;
create policy concurrency_slots_of_tenant on muster.concurrency_slots to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy concurrency_slots_of_all on muster.concurrency_slots to muster_system using (true) with check (true);
insert into muster.concurrency_slots ("key", slot, task_id, tenant_id, fence)
  select 'user:' || tenant_id || '/' || user_id, 1, id, tenant_id, fence from muster.tasks
  where user_id is not null and status in ('in_progress', 'waiting_input', 'waiting_approval', 'paused');
-- The limit of a user's open tasks is a slot now, so that it can be another number than one.
drop index muster.tasks_open_user_unique;
update muster.tasks set concurrency_keys = array['tenant:' || tenant_id, 'graph:' || graph_name]
  || case when user_id is null then array[]::text[] else array['user:' || tenant_id || '/' || user_id] end
  where completed_at is null;

-- One submit may put many tasks into the queue: its row names them in the payload.
alter table muster.outbox alter column task_id drop not null;

alter table muster.agent_traces add column origin_trace_id uuid null;

alter table muster.agents
  add column roles text[] not null default '{}',
  add column capabilities text[] not null default '{}',
  add column alerted_at timestamptz null;
alter table muster.agents drop constraint agents_type_check;
alter table muster.agents
  add constraint agents_type_check check (type in ('director', 'worker', 'assistant', 'tool', 'custom'));

-- The right of one process to speak and act for its agents, until it falls silent. A new process gets a new fence.
create sequence muster.agent_lease_fence;
grant usage on sequence muster.agent_lease_fence to muster_app, muster_system;
create table muster.agent_leases (
  id uuid not null,
  tenant_id text not null,
  process text not null,
  agent_ids uuid[] not null default '{}',
  public_key text not null,
  fence bigint not null,
  granted_at timestamptz not null default now(),
  renewed_at timestamptz not null default now(),
  ended_at timestamptz null,
  end_reason text null,
  primary key (id)
);
alter table muster.agent_leases
  add constraint agent_leases_ended_check check ((ended_at is null) = (end_reason is null)),
  add constraint agent_leases_tenant_id_foreign foreign key (tenant_id) references muster.tenants (id);
create index agent_leases_open_index on muster.agent_leases (tenant_id, process) where ended_at is null;
create index agent_leases_ended_index on muster.agent_leases (ended_at) where ended_at is not null;
alter table muster.agent_leases set (fillfactor = 60);
-- One beat writes every row of a page anew before the old ones are dead, so more than half of the page must be free for
-- the new ones to stay in it.
alter table muster.agent_heartbeats set (fillfactor = 45);
alter table muster.agent_leases enable row level security, force row level security;
grant select, insert, update on muster.agent_leases to muster_app;
grant select, insert, update, delete on muster.agent_leases to muster_system;
create policy agent_leases_of_tenant on muster.agent_leases to muster_app
  using (tenant_id = (select nullif(current_setting('app.tenant', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')));
create policy agent_leases_of_all on muster.agent_leases to muster_system using (true) with check (true);
create policy agent_leases_shared on muster.agent_leases for select to muster_app using (tenant_id = 'system');

-- Who signed a message and in what order, until when it counts, and when it may be delivered again.
alter table muster.agent_messages
  add column lease_id uuid null,
  add column seq bigint null,
  add column signature text null,
  add column requires_response boolean not null default false,
  add column expires_at timestamptz null,
  add column available_at timestamptz not null default now(),
  add column broadcast_id uuid null,
  add column cause_id uuid null,
  add column trace_id uuid null,
  add column result jsonb null;
create unique index agent_messages_id_unique on muster.agent_messages (id);
create unique index agent_messages_lease_seq_unique on muster.agent_messages (lease_id, seq, to_agent_id) where lease_id is not null;
create index agent_messages_waiting_index on muster.agent_messages (to_agent_id, priority, "timestamp", id)
  where status in ('pending', 'leased');
create index agent_messages_open_request_index on muster.agent_messages (from_agent_id)
  where requires_response and status in ('pending', 'leased');
create index agent_messages_correlation_index on muster.agent_messages (correlation_id) where correlation_id is not null;
create index agent_messages_dead_index on muster.agent_messages (tenant_id, "timestamp") where status = 'dead';
create index agent_messages_broadcast_index on muster.agent_messages (broadcast_id) where broadcast_id is not null;

grant delete on muster.system_config to muster_system;

-- A deferred task may miss its deadline, and a redriven one may have to wait for what it depends on.
create or replace function muster.refuse_illegal_task_move() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status = any (case old.status
    when 'pending' then array['deferred', 'blocked', 'in_progress', 'failed', 'cancelled']
    when 'deferred' then array['pending', 'blocked', 'failed', 'cancelled']
    when 'blocked' then array['pending', 'deferred', 'failed', 'cancelled']
    when 'in_progress' then array['waiting_input', 'waiting_approval', 'paused', 'completed', 'failed', 'cancelled']
    when 'waiting_input' then array['in_progress', 'waiting_approval', 'paused', 'completed', 'failed', 'cancelled']
    when 'waiting_approval' then array['in_progress', 'waiting_input', 'paused', 'completed', 'failed', 'cancelled']
    when 'paused' then array['in_progress', 'waiting_input', 'waiting_approval', 'completed', 'failed', 'cancelled']
    when 'failed' then array['pending', 'blocked']
    when 'cancelled' then array['pending']
    else array[]::text[]
  end) then
    return new;
  end if;
  raise exception 'a task may not move from % to %', old.status, new.status
    using errcode = 'check_violation', schema = 'muster', table = 'tasks', constraint = 'tasks_status_move';
end $$;

-- One look for a whole batch instead of one for each of its tasks.
drop trigger tasks_graph_of_tenant on muster.tasks;
create trigger tasks_graph_of_tenant before update of graph_id on muster.tasks
  for each row execute function muster.refuse_foreign_graph();
create function muster.refuse_foreign_graphs() returns trigger language plpgsql set search_path = '' as $$
declare
  foreign_task record;
begin
  select t.tenant_id, t.graph_id into foreign_task from (select distinct tenant_id, graph_id from tasks_written) t
    where not exists (
      select from muster.agent_graphs g where g.id = t.graph_id and g.tenant_id in (t.tenant_id, 'system'))
    limit 1;
  if found then
    raise exception 'tenant % has no graph %', foreign_task.tenant_id, foreign_task.graph_id
      using errcode = 'foreign_key_violation', schema = 'muster', table = 'tasks', constraint = 'tasks_graph_of_tenant';
  end if;
  return null;
end $$;
create trigger tasks_graphs_of_tenant after insert on muster.tasks
  referencing new table as tasks_written for each statement execute function muster.refuse_foreign_graphs();
