-- Several courts may demand a defence of one case, most of all once cases are merged: each demand has a clock of its own.

-- The demand that a clock keeps, as assignment names it. NULL where nobody named one: the clocks of before, what the policy
-- promises, what a person starts, and the defence against a lawsuit that is only a signal yet.
ALTER TABLE clock
  ADD COLUMN demand uuid,
  DROP CONSTRAINT clock_one_of_a_slot,
  ADD CONSTRAINT clock_one_of_a_demand UNIQUE NULLS NOT DISTINCT (site, case_id, kind, slot, demand);
