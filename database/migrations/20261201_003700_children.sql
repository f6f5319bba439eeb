-- Graphs that a node runs as tasks of their own. Every row fulfils the longer lists already, so nothing is looked through.

alter table muster.agent_components drop constraint agent_components_component_type_check;
alter table muster.agent_components
  add constraint agent_components_component_type_check
    check (component_type in ('agent', 'tool', 'condition', 'prompt', 'function', 'output-parser', 'guardrail', 'llm',
      'sub-graph', 'each', 'repeat', 'approval', 'wait', 'entity-collector', 'child')) not valid;
alter table muster.agent_runs drop constraint agent_runs_kind_check;
alter table muster.agent_runs
  add constraint agent_runs_kind_check
    check (kind in ('agent', 'tool', 'condition', 'prompt', 'function', 'output-parser', 'guardrail', 'llm', 'sub-graph', 'each',
      'repeat', 'approval', 'wait', 'entity-collector', 'child')) not valid;
alter table muster.run_waits drop constraint run_waits_kind_check;
alter table muster.run_waits
  add constraint run_waits_kind_check check (kind in ('message', 'event', 'time', 'entities', 'child')) not valid;
