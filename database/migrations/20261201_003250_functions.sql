-- Nodes that make their output by an expression over their input.

alter table muster.agent_components drop constraint agent_components_component_type_check;
alter table muster.agent_components
  add constraint agent_components_component_type_check
    check (component_type in ('agent', 'tool', 'condition', 'prompt', 'function', 'output-parser', 'guardrail', 'llm',
      'sub-graph', 'each', 'repeat', 'approval', 'wait', 'entity-collector'));
-- Every row fulfils the longer list already, so nothing is looked through.
alter table muster.agent_runs drop constraint agent_runs_kind_check;
alter table muster.agent_runs
  add constraint agent_runs_kind_check
    check (kind in ('agent', 'tool', 'condition', 'prompt', 'function', 'output-parser', 'guardrail', 'llm', 'sub-graph',
      'each', 'repeat', 'approval', 'wait', 'entity-collector')) not valid;
