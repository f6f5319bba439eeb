-- The row numbers the attempts of a run: which activity attempt began the last one and in which process, until when the
-- run waits, how long it has waited for limits, and how lost attempts were lost.
alter table muster.agent_runs
  add column workflow_run text null,
  add column activity_attempt int null,
  add column worker_id text null,
  add column next_attempt_at timestamptz null,
  add column limit_wait_ms bigint not null default '0',
  add column losses jsonb not null default '{}';

-- Why the result of an effect that happened could not be recorded.
alter table muster.activity_effects add column fault text null;

-- The first trace of a task whose recorded effects count: a redrive that repeats effects moves it on.
alter table muster.tasks add column effects_since int not null default 1;
