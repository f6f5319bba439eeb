-- A task can be ended whatever its workflow does, and a row of the outbox that nobody takes is given up.

-- What was asked to end and has not: a sweep ends it.
create index tasks_cancel_requested_index on muster.tasks (cancel_requested_at) where cancel_requested_at is not null
  and completed_at is null;

-- `task.killed`: a task ended without its workflow, which is to be terminated.
alter table muster.outbox drop constraint outbox_topic_check;
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished', 'task.killed')),
  add column next_try_at timestamptz null,
  add column refused_at timestamptz null;
