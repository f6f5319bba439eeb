-- When a model call is made again that its providers did not answer, for who asks what its task waits for.
alter table muster.model_calls add column retry_at timestamptz null;
