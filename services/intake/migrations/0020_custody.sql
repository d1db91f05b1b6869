-- Chain of custody: who held a piece of evidence from when on. Rows are only added; each is in the timeline too, whose
-- hashes show a changed one.

CREATE TABLE custody (
  site         text NOT NULL,
  evidence     uuid NOT NULL,
  case_id      uuid NOT NULL,
  -- Counts from 1 for each piece.
  sequence     integer NOT NULL,
  act          text NOT NULL,
  -- A person of the site, or '' where a body outside holds it.
  holder       text NOT NULL,
  outside_body text NOT NULL,
  -- Digest found at the act; '' where nobody looked.
  sha256       text NOT NULL,
  act_time     timestamptz NOT NULL,
  record_time  timestamptz NOT NULL,
  recorder     text NOT NULL,
  CONSTRAINT custody_key PRIMARY KEY (site, evidence, sequence),
  CONSTRAINT custody_evidence FOREIGN KEY (site, evidence) REFERENCES evidence (site, id)
);
CREATE INDEX custody_of_case ON custody (site, case_id, evidence, sequence);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE custody ENABLE ROW LEVEL SECURITY;
  ALTER TABLE custody FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON custody TO %I', app);
  EXECUTE format('CREATE POLICY app ON custody TO %I
    USING (redress_in_scope(site) AND EXISTS (SELECT 1 FROM complaint c WHERE c.site = custody.site AND c.id = custody.case_id))',
    app);
END
$$;
