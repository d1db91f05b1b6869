-- The incidents that a commitment came to by a merger and left by another: their notes go on to tell of it as they did (decision 47). Rows
-- are only added. What an older release moved on has none, and the incident that it is in keeps `commitment.join_log`, as ever.
CREATE TABLE commitment_passed (
  site       text NOT NULL,
  commitment uuid NOT NULL,
  incident   uuid NOT NULL,
  -- The entry of that incident's log that tells that it came.
  join_log   bigint NOT NULL,
  CONSTRAINT commitment_passed_key PRIMARY KEY (site, commitment, incident),
  CONSTRAINT commitment_passed_commitment FOREIGN KEY (site, commitment) REFERENCES commitment (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE commitment_passed ENABLE ROW LEVEL SECURITY;
  ALTER TABLE commitment_passed FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON commitment_passed TO %I', app);
  EXECUTE format('CREATE POLICY app ON commitment_passed TO %I USING (redress_in_scope(site))', app);
END
$$;
