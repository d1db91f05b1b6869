-- A planned visit is owed (M16): triage keeps a clock for it by its own id, from its planning until a while after its time. One that
-- nobody needs any more is cancelled; an older release lists it as planned still. Those that were planned before this release have no
-- clock until they are made.
ALTER TABLE visit ADD COLUMN cancel_time timestamptz;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (cancel_time) ON visit TO %I', app);
END
$$;
