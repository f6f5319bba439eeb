-- The newest execution rules that a worker knows; null for a program that is no worker, and for workers of earlier versions.
alter table muster.agent_leases add column execution_rules integer null;
