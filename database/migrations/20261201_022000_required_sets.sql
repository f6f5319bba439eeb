-- A requirement names an evaluation set; this says which cases and scorers it had then, so that another set of its name does
-- not count. Where none ran yet no score counts, until the score is required again.
alter table muster.graph_requirements add column definition_hash text not null default '';
update muster.graph_requirements r
   set definition_hash = coalesce(
         (select e.definition_hash from muster.eval_runs e
           where e.tenant_id = r.tenant_id and e.name = r.eval and e.graph_name = r.graph_name
           order by e.created_at desc, e.id desc limit 1), '');
alter table muster.graph_requirements alter column definition_hash drop default;
