-- What organizations, regions and sites change of the profiles that the product ships, and when a sales
-- centre works by its opening-day profile. Both are only added to: what held at an instant can always be told.

CREATE TABLE policy_revision (
  -- organizations/{o}, organizations/{o}/regions/{r} or sites/{s}.
  scope          text NOT NULL,
  -- From 1 within the scope.
  revision       integer NOT NULL,
  -- The same as scope, for the row policies: organization; organization and region; or site alone.
  organization   text,
  region         text,
  site           text,
  -- A newer revision that holds from an earlier or the same instant takes its place.
  effective_time timestamptz NOT NULL,
  -- YAML as it was given.
  document       text NOT NULL,
  author         text NOT NULL,
  reason         text NOT NULL,
  create_time    timestamptz NOT NULL,
  -- SHA-256 over what the row says and the hash before it. Names the content for caches too.
  hash           bytea NOT NULL,
  -- When the open cases below it were graded again; NULL until then.
  spread_time    timestamptz,
  -- Until when somebody is at it.
  lease_time     timestamptz,
  CONSTRAINT policy_revision_key PRIMARY KEY (scope, revision),
  CONSTRAINT policy_revision_level CHECK (
    (site IS NULL) <> (organization IS NULL) AND (region IS NULL OR organization IS NOT NULL))
);
CREATE INDEX policy_revision_of_organization ON policy_revision (organization) WHERE organization IS NOT NULL;
CREATE INDEX policy_revision_to_spread ON policy_revision (effective_time) WHERE spread_time IS NULL;

-- Where a site lay, so that the numbers of its policy keep rising when it moves: they begin above base.
CREATE TABLE site_place (
  site         text NOT NULL,
  base         integer NOT NULL,
  organization text NOT NULL,
  region       text NOT NULL,
  CONSTRAINT site_place_key PRIMARY KEY (site, base)
);
-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE site NO FORCE ROW LEVEL SECURITY;
INSERT INTO site_place (site, base, organization, region)
SELECT site, 0, organization, region FROM site;
ALTER TABLE site FORCE ROW LEVEL SECURITY;
CREATE INDEX site_of_organization ON site (organization, region);

-- Opening-day windows; every change is a whole new set.
CREATE TABLE opening_set (
  site        text NOT NULL,
  revision    bigint NOT NULL,
  author      text NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT opening_set_key PRIMARY KEY (site, revision)
);
CREATE TABLE opening_window (
  site       text NOT NULL,
  revision   bigint NOT NULL,
  start_time timestamptz NOT NULL,
  end_time   timestamptz NOT NULL,
  reason     text NOT NULL,
  CONSTRAINT opening_window_key PRIMARY KEY (site, revision, start_time),
  CONSTRAINT opening_window_set FOREIGN KEY (site, revision) REFERENCES opening_set (site, revision),
  CONSTRAINT opening_window_length CHECK (start_time < end_time)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site_place', 'opening_set', 'opening_window'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;

  ALTER TABLE policy_revision ENABLE ROW LEVEL SECURITY;
  ALTER TABLE policy_revision FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON policy_revision TO %I', app);
  -- Read by whoever lies below it: whoever acts for the organization or the region, and for one of its
  -- sites, as every handler and timer does. The directory of sites has row security of its own.
  EXECUTE format($policy$
    CREATE POLICY app_read ON policy_revision FOR SELECT TO %I USING (
      CASE
        WHEN site IS NOT NULL THEN redress_in_scope(site)
        WHEN redress_organization_in_scope(organization) THEN true
        WHEN region IS NOT NULL THEN redress_place_in_scope('', organization, region)
          OR EXISTS (SELECT FROM site s
                     WHERE s.organization = policy_revision.organization AND s.region = policy_revision.region)
        ELSE EXISTS (SELECT FROM site s WHERE s.organization = policy_revision.organization)
          OR EXISTS (SELECT FROM unnest(NULLIF(current_setting('redress.regions', true), '')::text[]) r
                     WHERE split_part(r, '/', 1) = policy_revision.organization)
      END)
  $policy$, app);
  -- Written only by who acts for all of it.
  EXECUTE format($policy$
    CREATE POLICY app_write ON policy_revision FOR INSERT TO %I WITH CHECK (
      CASE
        WHEN site IS NOT NULL THEN redress_in_scope(site)
        WHEN region IS NOT NULL THEN redress_place_in_scope('', organization, region)
        ELSE redress_organization_in_scope(organization)
      END)
  $policy$, app);
  -- The worker finds what takes effect and the sites below it, and reads no document.
  EXECUTE format('GRANT SELECT (scope, revision, organization, region, site, effective_time, spread_time, lease_time),
                  UPDATE (spread_time, lease_time) ON policy_revision TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON policy_revision TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, organization, region) ON site TO %I', worker);
  EXECUTE format('CREATE POLICY policy_worker ON site FOR SELECT TO %I USING (true)', worker);
END
$$;
