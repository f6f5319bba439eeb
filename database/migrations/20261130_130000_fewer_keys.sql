-- Rows that only grow are not checked one by one any more: their writers find the task or the trace that they name, under
-- row-level security, in the statement that writes. docs/decisions/2026-11-30-growing-rows-have-no-foreign-keys.md.

alter table muster.tasks
  drop constraint tasks_tenant_id_foreign,
  -- tasks_graphs_of_tenant looks for the graph once a statement.
  drop constraint tasks_graph_id_foreign;
alter table muster.agent_traces
  drop constraint agent_traces_task_of_tenant,
  drop constraint agent_traces_graph_id_foreign;
alter table muster.agent_runs drop constraint agent_runs_trace_of_tenant;
alter table muster.trace_events drop constraint trace_events_trace_of_tenant;
alter table muster.outbox drop constraint outbox_task_of_tenant;
alter table muster.audit_log drop constraint audit_log_tenant_id_foreign;
alter table muster.artifacts drop constraint artifacts_tenant_id_foreign;
alter table muster.operation_keys drop constraint operation_keys_tenant_id_foreign;
alter table muster.agent_messages drop constraint agent_messages_tenant_id_foreign;

-- Who deletes tasks deletes what was recorded of them, in the same statement. `any (array(…))` finds the rows by their
-- index, however few rows there were when the plan was made.
create function muster.remove_traces() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.agent_traces where task_id = any (array(select id from gone));
  return null;
end $$;
create trigger tasks_remove_traces after delete on muster.tasks
  referencing old table as gone for each statement execute function muster.remove_traces();

create function muster.remove_runs_and_events() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.agent_runs where trace_id = any (array(select id from gone));
  delete from muster.trace_events where trace_id = any (array(select id from gone));
  return null;
end $$;
create trigger agent_traces_remove_runs_and_events after delete on muster.agent_traces
  referencing old table as gone for each statement execute function muster.remove_runs_and_events();

create function muster.refuse_used_graph() returns trigger language plpgsql set search_path = '' as $$
begin
  if exists (select from muster.tasks where graph_id = old.id) then
    raise exception 'graph % version % has tasks', old.name, old.version
      using errcode = 'foreign_key_violation', schema = 'muster', table = 'agent_graphs',
        constraint = 'agent_graphs_unused';
  end if;
  return old;
end $$;
create trigger agent_graphs_unused before delete on muster.agent_graphs
  for each row execute function muster.refuse_used_graph();

-- Indexes that only foreign keys used, or nothing.
alter table muster.agent_traces
  drop constraint agent_traces_tenant_id_unique,
  -- The task and the number, which are unique, make the id of the workflow.
  drop constraint agent_traces_workflow_unique;
drop index muster.tasks_graph_index;
drop index muster.agent_traces_graph_index;
drop index muster.agent_runs_agent_index;
drop index muster.outbox_task_index;
-- outbox_relay_index has the same rows.
drop index muster.outbox_unsent_index;
