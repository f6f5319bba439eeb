-- A worker that stops on purpose says what it leaves, so that nobody takes it for a death. An answer is charged once however
-- often its record is repeated: by the claim that asked for it.
alter table muster.model_calls
  add column handovers int not null default 0,
  add column paid_claims uuid[] not null default '{}';
alter table muster.tool_calls add column handovers int not null default 0;

-- Every row fulfils the longer list already, so nothing is looked through.
alter table muster.model_calls drop constraint model_calls_state_check;
alter table muster.model_calls
  add constraint model_calls_state_check check (state in ('pending', 'left', 'done', 'failed', 'in_doubt')) not valid;
