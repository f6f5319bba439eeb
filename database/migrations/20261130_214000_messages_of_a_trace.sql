-- What the nodes of one trace said, for a reader at its task.
create index agent_messages_trace_index on muster.agent_messages (trace_id) where trace_id is not null;
