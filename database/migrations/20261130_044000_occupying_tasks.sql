-- The tasks that need a place in a worker: what dispatchers and the reconciler look at, however many tasks wait.
create index tasks_occupying_index on muster.tasks (checked_at, claimed_by) where status = 'in_progress';
