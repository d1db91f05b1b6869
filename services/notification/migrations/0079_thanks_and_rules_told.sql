-- Whoever praised somebody by name in a survey is thanked (M02). The address of a customer without a case, sealed as it was
-- while the survey was open, is kept until then and no longer.
ALTER TABLE survey ADD COLUMN thanks_contact bytea;

-- Assignment holds its texts against the wording rules too. What was applied before it asked is told once, site by site. The
-- default that is taken away at once marks the rows there are without writing them.
ALTER TABLE site ADD COLUMN wording_untold boolean NOT NULL DEFAULT true;
ALTER TABLE site ALTER COLUMN wording_untold SET DEFAULT false;

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- Finds the sites, and nothing else of them.
  EXECUTE format('GRANT SELECT (site, wording_untold) ON site TO %I', worker);
  EXECUTE format('CREATE POLICY site_untold ON site FOR SELECT TO %I USING (wording_untold)', worker);
END
$$;
