-- Looks that every worker repeats read what is open, not what there is; a message knows how long its chain is, and when
-- it died.

-- Traces that are open, to find those whose task has ended.
create index agent_traces_open_index on muster.agent_traces (task_id) where status = 'running';

-- Unsent rows in the order in which a relay takes them.
create index outbox_relay_index on muster.outbox (topic, attempts, created_at, id) where sent_at is null;

alter table muster.agent_messages add column hops int not null default 0;
alter table muster.agent_messages add column dead_at timestamptz;
