-- An appeal against a rejection is owed (M18): a demand of its own, for which triage keeps a clock. NULL where an older release took
-- it in: that one has no clock, and stands in the list of open promises all the same.
ALTER TABLE appeal
  -- Id of the demand.
  ADD COLUMN demand   uuid,
  -- Since when it is owed, and until when.
  ADD COLUMN owe_time timestamptz,
  ADD COLUMN due_time timestamptz,
  -- Who was told first and owes it, by the id of the roster; others of that standing may decide too.
  ADD COLUMN owed_by  text;
CREATE INDEX appeal_undecided ON appeal (site) WHERE granted IS NULL;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (demand, owe_time, due_time, owed_by) ON appeal TO %I', app);
END
$$;
