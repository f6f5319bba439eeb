-- Which workflow runs were overtaken by another one, and whether a run waits for a limit: such a wait is no event.
alter table muster.agent_runs
  add column overtaken jsonb not null default '{}',
  add column limited boolean not null default false;
