-- What the policy of a site says of incidents, as triage told it last: when its weekly briefing is (M01, decision 63). A site without a
-- row works as this service is configured, and so does an older release, which reads nothing of it.
CREATE TABLE site_policy (
  site     text NOT NULL CONSTRAINT site_policy_key PRIMARY KEY,
  -- The number of the site's policy, as triage pins it.
  revision bigint NOT NULL,
  -- The section `briefing`.
  briefing jsonb NOT NULL
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE site_policy ENABLE ROW LEVEL SECURITY;
  ALTER TABLE site_policy FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON site_policy TO %I', app);
  EXECUTE format('GRANT UPDATE (revision, briefing) ON site_policy TO %I', app);
  EXECUTE format('CREATE POLICY app ON site_policy TO %I USING (redress_in_scope(site))', app);
END
$$;
