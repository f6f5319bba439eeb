-- What the task of a turn has above it in budgets, where a task's node appended the input; null for most turns.
alter table muster.conversation_turns add column lineage jsonb null;
