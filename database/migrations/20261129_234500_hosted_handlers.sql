-- What a worker hosts, and for which task queue: why a task waits that nobody can start.

alter table muster.agent_leases
  add column task_queue text null,
  add column handlers text[] not null default '{}';
