-- How many runs a fork has taken over: a redrive of one of which retention has removed some would run these again.
alter table muster.task_forks add column taken_count int not null default 0;

-- A fork that never began has rows under a trace that there is not: who deletes the task deletes these. Before, and not
-- after: the row that names the trace goes with the task.
create function muster.remove_fork_rows() returns trigger language plpgsql set search_path = '' as $$
declare
  trace uuid;
begin
  select next_trace_id into trace from muster.task_forks where task_id = old.id;
  if found then
    delete from muster.agent_runs where trace_id = trace;
    delete from muster.trace_events where trace_id = trace;
    delete from muster.model_calls where trace_id = trace;
    delete from muster.tool_calls where trace_id = trace;
  end if;
  return old;
end $$;
create trigger tasks_remove_fork_rows before delete on muster.tasks
  for each row execute function muster.remove_fork_rows();

-- Retention counts what was imported from then on, however old it is.
alter table muster.tasks add column imported_at timestamptz null;
