-- Hints on how to speak with a complainant (M14): one row a case, sealed, deleted when the work ends or the site's policy has
-- them off. Nothing else of the schema names a motive or a style.

CREATE TABLE hints (
  site    text NOT NULL,
  case_id uuid NOT NULL,
  -- Both words in one, always of the same length.
  sealed  bytea NOT NULL,
  CONSTRAINT hints_key PRIMARY KEY (site, case_id),
  CONSTRAINT hints_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);

-- Who read hints, and when; what they said is not kept. Rows are only added.
CREATE TABLE hints_access (
  site        text NOT NULL,
  id          uuid NOT NULL,
  case_id     uuid NOT NULL,
  -- The token subject, and the responsible person behind it.
  reader      text NOT NULL,
  staff       text NOT NULL,
  access_time timestamptz NOT NULL,
  CONSTRAINT hints_access_key PRIMARY KEY (site, id),
  CONSTRAINT hints_access_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['hints', 'hints_access'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE, DELETE ON hints TO %I', app);
END
$$;
