-- Most traces have no user. By itself, since building it keeps writers of traces waiting: about a second for each million.
drop index muster.agent_traces_user_index;
create index agent_traces_user_index on muster.agent_traces (tenant_id, user_id, created_at) where user_id is not null;
