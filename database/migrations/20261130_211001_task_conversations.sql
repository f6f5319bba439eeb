-- A task may belong to a conversation, whose tasks are found by it and whose budget they count in.
alter table muster.tasks add column conversation text null;
alter table muster.tasks
  add constraint tasks_conversation_check check (length(conversation) >= 1 and length(conversation) <= 200);
create index tasks_conversation_index on muster.tasks (tenant_id, conversation, id) where conversation is not null;
