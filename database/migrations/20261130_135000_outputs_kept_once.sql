-- The run of the same trace that keeps this one's output too, by its path; the output here is null then. Only of tasks that
-- a shared execution carries, or carried to their end.
alter table muster.agent_runs add column output_of text null;
