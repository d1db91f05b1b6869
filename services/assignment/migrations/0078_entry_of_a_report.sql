-- A penalty for a report that nobody clarified is booked once, whichever of two clocks is heard of first: that of the case, or that of
-- the media desk of its incident (M17). The entry names the clocks that missed the report, its cases, and how long it can have been
-- the same one. NULL where no clock did, and for what an older release booked: that counts by its author and the time of booking.
ALTER TABLE ledger_entry
  -- The clock that the case owed by itself.
  ADD COLUMN own_clock    uuid,
  -- The clock of the desk.
  ADD COLUMN desk_clock   uuid,
  ADD COLUMN report_cases uuid[],
  ADD COLUMN report_from  timestamptz,
  ADD COLUMN report_until timestamptz;
CREATE INDEX ledger_entry_exposure ON ledger_entry (site) WHERE cause = 'EXPOSURE';
