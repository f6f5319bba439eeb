-- Retention removes conversations that nobody has spoken in for a year.
alter table muster.retention_policies drop constraint retention_policies_resource_check;
alter table muster.retention_policies
  add constraint retention_policies_resource_check check (resource in ('tasks', 'agent_traces', 'agent_runs',
      'trace_events', 'artifacts', 'agent_messages', 'outbox', 'operation_keys', 'conversations'));
insert into muster.retention_policies (resource, max_age_days) values ('conversations', 365);

-- Who deletes conversations deletes their turns, in the same statement.
create function muster.remove_turns() returns trigger language plpgsql set search_path = '' as $$
begin
  delete from muster.conversation_turns t using gone g where t.tenant_id = g.tenant_id and t.conversation_id = g.id;
  return null;
end $$;
create trigger conversations_remove_turns after delete on muster.conversations
  referencing old table as gone for each statement execute function muster.remove_turns();
