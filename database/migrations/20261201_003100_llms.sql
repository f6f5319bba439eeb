-- Llms, which think as their graphs say, and the tools that are bound to them.

alter table muster.agent_components drop constraint agent_components_component_type_check;
alter table muster.agent_components
  add constraint agent_components_component_type_check
    check (component_type in (
      'agent', 'tool', 'condition', 'prompt', 'output-parser', 'guardrail', 'llm', 'sub-graph', 'each', 'repeat'));
alter table muster.agent_runs drop constraint agent_runs_kind_check;
alter table muster.agent_runs
  add constraint agent_runs_kind_check
    check (kind in (
      'agent', 'tool', 'condition', 'prompt', 'output-parser', 'guardrail', 'llm', 'sub-graph', 'each', 'repeat'));
alter table muster.component_connections drop constraint component_connections_connection_type_check;
alter table muster.component_connections
  add constraint component_connections_connection_type_check
    check (connection_type in ('default', 'condition', 'fallback', 'guard', 'tool'));
