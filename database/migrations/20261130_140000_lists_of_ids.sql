-- A submit of a thousand tasks lists their ids in its audit row and its outbox row. lz4 compresses 40 KB of them in a third
-- of the time. A server may be built without it.
do $$ begin
  alter table muster.audit_log alter column details set compression lz4;
  alter table muster.outbox alter column payload set compression lz4;
exception when feature_not_supported then null;
end $$;
