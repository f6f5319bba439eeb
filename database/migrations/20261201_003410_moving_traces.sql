-- The version that a trace moves to once its workflow has come to rest; null for most.
alter table muster.agent_traces add column next_graph_id uuid null;

-- And the topic that has the workflow told.
alter table muster.outbox drop constraint outbox_topic_check;
alter table muster.outbox
  add constraint outbox_topic_check check (topic in ('task.submitted', 'task.cancelled', 'task.finished', 'task.killed',
      'task.moving', 'approval.decided', 'wait.ended', 'budget.granted'));
