-- A merge, and its undoing, hands what was told of a deadline on to the clock that keeps it from then on, its pages too.

ALTER TABLE clock_page
  -- The change that told a page that was handed on, of the clock that had it then: what its reader's acknowledgement names.
  -- NULL for a page that this clock told itself.
  ADD COLUMN told_clock uuid,
  ADD COLUMN told_generation bigint,
  ADD CONSTRAINT clock_page_told CHECK ((told_clock IS NULL) = (told_generation IS NULL));
CREATE INDEX clock_page_handed_on ON clock_page (site, told_clock, told_generation) WHERE told_clock IS NOT NULL;
