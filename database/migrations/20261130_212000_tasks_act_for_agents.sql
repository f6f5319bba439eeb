-- The agents on whose behalf a task acts that an agent's tool spawned; null for most tasks.
alter table muster.tasks add column acts_for text[] null;
