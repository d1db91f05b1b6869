-- "Somebody else" is another person, not another token (M03): who did what is kept with the member of staff behind the subject.
-- NULL: no staff, or recorded before this was kept; then the subject alone tells.

ALTER TABLE work
  ADD COLUMN resolver_staff text,
  -- The gravest grade that the case ever had; what may be paid is decided by it.
  ADD COLUMN gravest_grade  smallint;
UPDATE work SET gravest_grade = grade;

ALTER TABLE solution ADD COLUMN author_staff text;
ALTER TABLE solution_review ADD COLUMN reviewer_staff text;

ALTER TABLE validity_decision
  ADD COLUMN decider_staff text,
  -- The decider's level of authority: a lower one does not overturn it.
  ADD COLUMN level         text NOT NULL DEFAULT 'HANDLER';
ALTER TABLE appeal ADD COLUMN against_staff text;
