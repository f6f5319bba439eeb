-- Many small tasks in one workflow: the trace of each names it.
alter table muster.agent_traces add column carried_by text;
