-- Whoever may see an agent that every tenant shares may see its last sign of life.

create policy agent_heartbeats_shared on muster.agent_heartbeats for select to muster_app using (tenant_id = 'system');
