-- An approval that a solution waits for is owed (M10, M18): a demand of its own, for which triage keeps a clock. NULL where it waits
-- for none, or has waited since an older release: that one has no clock, and stands in the list of open promises all the same.
ALTER TABLE solution
  -- Id of the demand.
  ADD COLUMN approval_demand  uuid,
  -- Since when it is owed, and until when.
  ADD COLUMN approval_time    timestamptz,
  ADD COLUMN approval_due     timestamptz,
  -- Whether those one level up were asked too, since nobody decided in time.
  ADD COLUMN approval_climbed boolean NOT NULL DEFAULT false,
  -- Who was asked first and owes it, by the id of the roster; others of that standing may decide too.
  ADD COLUMN approver         text;
CREATE INDEX solution_undecided ON solution (site) WHERE approval_demand IS NOT NULL;
