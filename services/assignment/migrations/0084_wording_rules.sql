-- What must not be said outward by the rules of the organization, the region and the site (M11), as notification tells: the
-- texts that are kept here are held against them. A revision never changes.
CREATE TABLE wording_rules (
  site           text NOT NULL,
  -- organizations/{o}, organizations/{o}/regions/{r} or sites/{s}.
  scope          text NOT NULL,
  revision       integer NOT NULL,
  effective_time timestamptz NOT NULL,
  document       text NOT NULL,
  CONSTRAINT wording_rules_key PRIMARY KEY (site, scope, revision)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE wording_rules ENABLE ROW LEVEL SECURITY;
  ALTER TABLE wording_rules FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON wording_rules TO %I', app);
  EXECUTE format('CREATE POLICY app ON wording_rules TO %I USING (redress_in_scope(site))', app);
END
$$;
