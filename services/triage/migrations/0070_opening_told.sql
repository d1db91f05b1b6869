-- Whether others were told last that an opening-day window is open at a site: they are told again when one opens or closes.
CREATE TABLE opening_told (
  site text    NOT NULL CONSTRAINT opening_told_key PRIMARY KEY,
  open boolean NOT NULL
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  ALTER TABLE opening_told ENABLE ROW LEVEL SECURITY;
  ALTER TABLE opening_told FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON opening_told TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON opening_told TO %I', app);
  -- Finds where a window opened or closed, and nothing else of it.
  EXECUTE format('GRANT SELECT (site, open) ON opening_told TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON opening_told FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, revision, create_time) ON opening_set TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON opening_set FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, revision, start_time, end_time) ON opening_window TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON opening_window FOR SELECT TO %I USING (true)', worker);
END
$$;
