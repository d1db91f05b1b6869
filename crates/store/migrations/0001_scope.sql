-- The scope of a transaction, as the row policies read it. A transaction sets redress.organizations,
-- redress.regions and redress.sites (text[] literals) with set_config(…, is_local => true); what is unset
-- shows nothing. After a transaction such a setting reads back as '' in the same session, hence NULLIF.
--
-- Each function is one expression, so that the planner inlines it into the policy and can use an index
-- on site.

CREATE FUNCTION redress_in_scope(site text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN site = ANY (NULLIF(current_setting('redress.sites', true), '')::text[]);

CREATE FUNCTION redress_organization_in_scope(organization text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN organization = ANY (NULLIF(current_setting('redress.organizations', true), '')::text[]);

-- For tables of the directory, where a caller of a whole organization makes sites that are in nobody's
-- list yet. A region counts within its organization only: 'organization/region'.
CREATE FUNCTION redress_place_in_scope(site text, organization text, region text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN site = ANY (NULLIF(current_setting('redress.sites', true), '')::text[])
      OR organization = ANY (NULLIF(current_setting('redress.organizations', true), '')::text[])
      OR (organization || '/' || region) = ANY (NULLIF(current_setting('redress.regions', true), '')::text[]);

-- Which site lies where, so that a caller of an organization or region gets its sites. Fed by each
-- service from what it knows of sites; a transaction's redress.sites is expanded from here once.
CREATE TABLE scope_site (
  site         text PRIMARY KEY,
  organization text NOT NULL,
  region       text NOT NULL
);
CREATE INDEX scope_site_organization ON scope_site (organization, region);

ALTER TABLE scope_site ENABLE ROW LEVEL SECURITY;
ALTER TABLE scope_site FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON scope_site TO %I', app);
  EXECUTE format('CREATE POLICY app ON scope_site TO %I USING (redress_place_in_scope(site, organization, region))', app);
END
$$;
