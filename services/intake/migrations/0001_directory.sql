-- Organizations own regions, regions own sites. A row is visible to a caller of the row itself, of what
-- lies above it, or of a site below it. `scope_site` (store) mirrors `site` for the expansion of scopes.
CREATE TABLE organization (
  id           text PRIMARY KEY,
  display_name text NOT NULL,
  create_time  timestamptz NOT NULL,
  revision     bigint NOT NULL DEFAULT 1
);

CREATE TABLE region (
  organization text NOT NULL REFERENCES organization (id),
  id           text NOT NULL,
  display_name text NOT NULL,
  create_time  timestamptz NOT NULL,
  revision     bigint NOT NULL DEFAULT 1,
  CONSTRAINT region_key PRIMARY KEY (organization, id)
);

CREATE TABLE site (
  id            text NOT NULL,
  organization  text NOT NULL,
  region        text NOT NULL,
  kind          text NOT NULL,
  display_name  text NOT NULL,
  time_zone     text NOT NULL,
  number_prefix text NOT NULL,
  language      text NOT NULL,
  create_time   timestamptz NOT NULL,
  update_time   timestamptz NOT NULL,
  revision      bigint NOT NULL DEFAULT 1,
  CONSTRAINT site_key PRIMARY KEY (id),
  CONSTRAINT site_region FOREIGN KEY (organization, region) REFERENCES region (organization, id),
  -- Numbers of cases are unique within an organization because their prefixes are.
  CONSTRAINT site_number_prefix UNIQUE (organization, number_prefix)
);
CREATE INDEX organization_newest ON organization (create_time DESC, id DESC);
CREATE INDEX region_newest ON region (organization, create_time DESC, id DESC);
CREATE INDEX site_newest ON site (create_time DESC, id DESC);

-- The keys that seal personal fields of a site, wrapped by a key-encryption key of the key file. The
-- newest seals; all open.
CREATE TABLE data_key (
  site        text NOT NULL,
  id          uuid NOT NULL,
  kek_id      text NOT NULL,
  wrapped     bytea NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT data_key_key PRIMARY KEY (site, id)
);

-- Next free number of a site's day. Replicas take blocks, so that two cases never wait for each other.
CREATE TABLE number_counter (
  site text NOT NULL,
  day  date NOT NULL,
  next bigint NOT NULL,
  CONSTRAINT number_counter_key PRIMARY KEY (site, day)
);

ALTER TABLE organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization FORCE ROW LEVEL SECURITY;
ALTER TABLE region ENABLE ROW LEVEL SECURITY;
ALTER TABLE region FORCE ROW LEVEL SECURITY;
ALTER TABLE site ENABLE ROW LEVEL SECURITY;
ALTER TABLE site FORCE ROW LEVEL SECURITY;
ALTER TABLE data_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_key FORCE ROW LEVEL SECURITY;
ALTER TABLE number_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE number_counter FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT ON organization, region TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT ON site TO %I', app);
  EXECUTE format('GRANT UPDATE (display_name, language, update_time, revision) ON site TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT ON data_key TO %I', app);
  EXECUTE format('GRANT UPDATE (kek_id, wrapped) ON data_key TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT ON number_counter TO %I', app);
  EXECUTE format('GRANT UPDATE (next) ON number_counter TO %I', app);

  EXECUTE format($p$CREATE POLICY app ON organization TO %I
    USING (redress_organization_in_scope(id)
        OR EXISTS (SELECT 1 FROM scope_site s WHERE s.organization = organization.id)
        OR EXISTS (SELECT 1 FROM unnest(NULLIF(current_setting('redress.regions', true), '')::text[]) r
                   WHERE split_part(r, '/', 1) = organization.id))
    WITH CHECK (redress_organization_in_scope(id))$p$, app);
  EXECUTE format($p$CREATE POLICY app ON region TO %I
    USING (redress_place_in_scope('', organization, id)
        OR EXISTS (SELECT 1 FROM scope_site s WHERE s.organization = region.organization AND s.region = region.id))
    WITH CHECK (redress_organization_in_scope(organization))$p$, app);
  EXECUTE format('CREATE POLICY app ON site TO %I USING (redress_place_in_scope(id, organization, region))', app);
  -- Whoever makes a site makes its first key before the site is in anybody's list.
  EXECUTE format($p$CREATE POLICY app ON data_key TO %I
    USING (redress_in_scope(site) OR EXISTS (SELECT 1 FROM site s WHERE s.id = data_key.site))$p$, app);
  EXECUTE format('CREATE POLICY app ON number_counter TO %I USING (redress_in_scope(site))', app);
END
$$;
