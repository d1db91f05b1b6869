-- When a leave begins, the lead hears of the help and the evidence that the person still owes (P14): it is asked of somebody else, or
-- withdrawn. NULL: not looked at yet; a leave that began before this was kept is told of as it stands.
ALTER TABLE leave ADD COLUMN told_time timestamptz;
CREATE INDEX leave_untold ON leave (start_time) WHERE told_time IS NULL;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT UPDATE (told_time) ON leave TO %I', app);
  EXECUTE format('GRANT SELECT (id, told_time) ON leave TO %I', worker);
END
$$;
