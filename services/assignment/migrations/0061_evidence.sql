-- Which pieces of evidence there are, as intake tells it: what a decision rests on has to exist. Rows are only added.

CREATE TABLE evidence (
  site    text NOT NULL,
  case_id uuid NOT NULL,
  id      uuid NOT NULL,
  CONSTRAINT evidence_key PRIMARY KEY (site, case_id, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE evidence ENABLE ROW LEVEL SECURITY;
  ALTER TABLE evidence FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON evidence TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT ON evidence TO %I', app);
END
$$;
