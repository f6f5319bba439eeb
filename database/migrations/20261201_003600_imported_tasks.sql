-- The digest of the file that a task was imported from: the same file is imported once a tenant.
alter table muster.tasks
  add column imported_from text null,
  add constraint tasks_imported_from_check check (imported_from ~ '^[0-9a-f]{64}$');
create unique index tasks_imported_unique on muster.tasks (tenant_id, imported_from) where imported_from is not null;
