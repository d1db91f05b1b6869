-- Every clock of a case, holds, and the calendar that each clock pins.

-- A case may have several of a kind: deadlines of outside bodies, what partners owe us, what was promised
-- to the customer.
ALTER TABLE clock DROP CONSTRAINT clock_one_of_a_kind;
ALTER TABLE clock
  -- The urgency that gave its length.
  ADD COLUMN urgency text NOT NULL DEFAULT 'WITHIN_A_DAY',
  -- Which of its kind: empty for the one that the policy promises.
  ADD COLUMN slot text NOT NULL DEFAULT '',
  -- The first of two warnings.
  ADD COLUMN warn_early_time timestamptz,
  -- The revision of the site's calendar by which it counts.
  ADD COLUMN calendar_revision integer NOT NULL DEFAULT 0,
  -- The customer was told the deadline: it moves later only by a person.
  ADD COLUMN told_customer boolean NOT NULL DEFAULT false,
  -- Why it is held.
  ADD COLUMN hold_reason text,
  -- Why it stopped; empty while it runs.
  ADD COLUMN stop_cause text NOT NULL DEFAULT '',
  -- Who demands it or owes it: an outside body, a contractor, a department.
  ADD COLUMN party text NOT NULL DEFAULT '',
  -- That body's own number for the case.
  ADD COLUMN outside_number text NOT NULL DEFAULT '',
  ADD CONSTRAINT clock_one_of_a_slot UNIQUE (site, case_id, kind, slot),
  ADD CONSTRAINT clock_held CHECK (held = (hold_reason IS NOT NULL));

-- Since when the age of a case stands still because it is held; NULL while it is not.
ALTER TABLE case_file ADD COLUMN held_since timestamptz;
-- Since when there is a proposal, and when a person last gave the customer a substantive answer: the later
-- of the two asks the customer to confirm.
ALTER TABLE case_file ADD COLUMN proposed_since timestamptz, ADD COLUMN last_word timestamptz;

-- Holds of a case: the reason lies with somebody else. Rows are only added and ended.
CREATE TABLE case_hold (
  site        text NOT NULL,
  id          uuid NOT NULL,
  case_id     uuid NOT NULL,
  reason      text NOT NULL,
  start_time  timestamptz NOT NULL,
  -- When it ends by itself.
  until_time  timestamptz NOT NULL,
  -- When it ended; NULL while it lasts.
  end_time    timestamptz,
  -- Why it ended: `time`, `person`, `contact`, `moved`; empty while it lasts.
  end_cause   text NOT NULL DEFAULT '',
  -- Who allowed it: subject of a token.
  approver    text NOT NULL,
  -- What for, in the words of that person; for staff alone.
  note        text NOT NULL,
  -- Whether it was allowed beyond the budget of its reason.
  beyond      boolean NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT case_hold_key PRIMARY KEY (site, id),
  CONSTRAINT case_hold_case FOREIGN KEY (site, case_id) REFERENCES case_file (site, id),
  CONSTRAINT case_hold_order CHECK (until_time > start_time AND end_time >= start_time)
);
CREATE INDEX case_hold_of_case ON case_hold (site, case_id, start_time);
CREATE UNIQUE INDEX case_hold_one_a_reason ON case_hold (site, case_id, reason) WHERE end_time IS NULL;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE case_hold ENABLE ROW LEVEL SECURITY;
  ALTER TABLE case_hold FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON case_hold TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON case_hold TO %I', app);
END
$$;
