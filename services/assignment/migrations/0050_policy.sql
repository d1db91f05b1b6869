-- What the policy of a site says of handling; entries of the ledger name the policy they follow; the company centre takes
-- cases over and gets a written report (M17); people hear that a loan ended.

-- The newest that triage told. A site that nobody told of yet works by the profile of its kind.
CREATE TABLE site_policy (
  site     text NOT NULL CONSTRAINT site_policy_key PRIMARY KEY,
  profile  text NOT NULL,
  revision bigint NOT NULL,
  -- The sections `positions` and `accountability`.
  document jsonb NOT NULL
);

-- Empty and 0 for what was booked before entries said it.
ALTER TABLE ledger_entry
  ADD COLUMN policy_profile  text NOT NULL DEFAULT '',
  ADD COLUMN policy_revision bigint NOT NULL DEFAULT 0;
CREATE INDEX ledger_entry_case ON ledger_entry (site, case_id) WHERE case_id IS NOT NULL;

-- When the company centre took the case over; NULL where it has not. It is never given back.
ALTER TABLE work ADD COLUMN take_over_time timestamptz;

-- Written reports of a store on a case. Rows are only added: a later one completes the ones before.
CREATE TABLE store_report (
  site        text NOT NULL,
  id          uuid NOT NULL,
  case_id     uuid NOT NULL,
  text        text NOT NULL,
  author      text NOT NULL,
  submit_time timestamptz NOT NULL,
  CONSTRAINT store_report_key PRIMARY KEY (site, id),
  CONSTRAINT store_report_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);
CREATE INDEX store_report_of_case ON store_report (site, case_id, id DESC);

-- Loans of before are told to nobody.
ALTER TABLE loan ADD COLUMN end_told boolean NOT NULL DEFAULT true;
ALTER TABLE loan ALTER COLUMN end_told SET DEFAULT false;
CREATE INDEX loan_ending ON loan (end_time) WHERE NOT end_told;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site_policy', 'store_report'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON site_policy TO %I', app);
  -- Finds what is due, and nothing else of it.
  EXECUTE format('GRANT SELECT (site, id, end_time, end_told) ON loan TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON loan FOR SELECT TO %I USING (true)', worker);
END
$$;
