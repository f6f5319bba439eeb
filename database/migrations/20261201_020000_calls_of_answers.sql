-- Which call answered a wait or sent a message: a call whose answer to its commit was lost finds what it has done.

alter table muster.run_waits add column call_id uuid null;
alter table muster.task_messages add column call_id uuid null;
create unique index run_waits_call_unique on muster.run_waits (call_id) where call_id is not null;
create unique index task_messages_call_unique on muster.task_messages (call_id) where call_id is not null;
