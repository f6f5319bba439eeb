-- How often a stretch of quick nodes was begun since one was last written: what counts the deaths of its workers.

alter table muster.agent_traces add column stretch_tries int not null default 0;
