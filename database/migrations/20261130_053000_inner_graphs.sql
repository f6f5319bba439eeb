-- Nodes that run inner graphs. A run, an event, an effect and an artifact of an inner node are keyed by its path, in the
-- columns that hold a node's id: at the top, the path is the id.

alter table muster.agent_components drop constraint agent_components_component_type_check;
alter table muster.agent_components
  add constraint agent_components_component_type_check
    check (component_type in ('agent', 'tool', 'condition', 'sub-graph', 'each', 'repeat'));
alter table muster.agent_runs drop constraint agent_runs_kind_check;
alter table muster.agent_runs
  add constraint agent_runs_kind_check
    check (kind in ('agent', 'tool', 'condition', 'sub-graph', 'each', 'repeat'));
