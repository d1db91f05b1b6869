-- Texts as revisions of organizations, regions and sites: templates and wording rules. Only added to: what held at
-- an instant can always be told. And what people write outward, with the overrides of the wording check.

CREATE TABLE text_revision (
  -- organizations/{o}, organizations/{o}/regions/{r} or sites/{s}.
  scope          text        NOT NULL,
  -- `{template}.{language}`, or `wording`.
  subject        text        NOT NULL,
  -- From 1 within scope and subject.
  revision       integer     NOT NULL,
  -- The same as scope, for the row policies: organization; organization and region; or site alone.
  organization   text,
  region         text,
  site           text,
  -- A newer revision that holds from an earlier or the same instant takes its place.
  effective_time timestamptz NOT NULL,
  -- A template's source as JSON, wording rules as TOML.
  document       text        NOT NULL,
  author         text        NOT NULL,
  reason         text        NOT NULL,
  -- Wording rules that its author overrode, with the reason above; empty where the check found nothing.
  overridden     text[]      NOT NULL DEFAULT '{}',
  create_time    timestamptz NOT NULL,
  CONSTRAINT text_revision_key PRIMARY KEY (scope, subject, revision),
  CONSTRAINT text_revision_level CHECK (
    (site IS NULL) <> (organization IS NULL) AND (region IS NULL OR organization IS NOT NULL))
);
CREATE INDEX text_revision_of_organization ON text_revision (organization) WHERE organization IS NOT NULL;
CREATE INDEX text_revision_of_site ON text_revision (site) WHERE site IS NOT NULL;

-- What somebody wrote to complainants, sealed: one row a message.
CREATE TABLE said_text (
  site       text  NOT NULL,
  message_id uuid  NOT NULL,
  author     text  NOT NULL,
  sealed     bytea NOT NULL,
  CONSTRAINT said_text_pkey PRIMARY KEY (site, message_id),
  CONSTRAINT said_text_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id)
);

-- Who sent what the wording check had found, and why; only added to. Covers the named rules and no other.
CREATE TABLE wording_override (
  site        text        NOT NULL,
  override_id uuid        NOT NULL,
  message_id  uuid        NOT NULL,
  rules       text[]      NOT NULL,
  reason      text        NOT NULL,
  author      text        NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT wording_override_pkey PRIMARY KEY (site, override_id),
  CONSTRAINT wording_override_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id),
  CONSTRAINT wording_override_reason CHECK (reason <> '' AND cardinality(rules) > 0)
);
CREATE INDEX wording_override_message ON wording_override (site, message_id);
CREATE INDEX wording_override_id ON wording_override (override_id);

-- What the wording check found at the last attempt, by rule; empty where nothing.
ALTER TABLE message ADD COLUMN blocked_rules text[] NOT NULL DEFAULT '{}';
-- The complainants of a case, by person token, from intake's facts; whom a text to the case reaches.
ALTER TABLE case_view ADD COLUMN person_tokens text[] NOT NULL DEFAULT '{}';
-- Name of a person's department, to be told to complainants (M16).
ALTER TABLE staff_contact ADD COLUMN department text NOT NULL DEFAULT '';

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE case_view NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message NO FORCE ROW LEVEL SECURITY;
UPDATE case_view c SET person_tokens = known.tokens
FROM (SELECT site, case_id, array_agg(DISTINCT recipient ORDER BY recipient) AS tokens FROM message
      WHERE template = 'case.received' AND recipient_kind = 'COMPLAINANT' GROUP BY site, case_id) known
WHERE c.site = known.site AND c.case_id = known.case_id;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
ALTER TABLE case_view FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['said_text', 'wording_override'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', confined, app);
    -- Whoever may not see a message sees nothing of it: the message's own policies decide.
    EXECUTE format('CREATE POLICY %I ON %I AS RESTRICTIVE TO %I USING (
      asking_staff() IS NULL OR EXISTS (
        SELECT FROM message m WHERE m.site = %I.site AND m.message_id = %I.message_id))',
      confined || '_complained_about', confined, app, confined, confined);
  END LOOP;

  ALTER TABLE text_revision ENABLE ROW LEVEL SECURITY;
  ALTER TABLE text_revision FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON text_revision TO %I', app);
  -- Read by whoever lies below it: whoever acts for the organization or the region, and for one of its sites, as
  -- every sender does. The table of sites has row security of its own.
  EXECUTE format($policy$
    CREATE POLICY app_read ON text_revision FOR SELECT TO %I USING (
      CASE
        WHEN site IS NOT NULL THEN redress_in_scope(site)
        WHEN redress_organization_in_scope(organization) THEN true
        WHEN region IS NOT NULL THEN redress_place_in_scope('', organization, region)
          OR EXISTS (SELECT FROM scope_site s
                     WHERE s.organization = text_revision.organization AND s.region = text_revision.region)
        ELSE EXISTS (SELECT FROM scope_site s WHERE s.organization = text_revision.organization)
          OR EXISTS (SELECT FROM unnest(NULLIF(current_setting('redress.regions', true), '')::text[]) r
                     WHERE split_part(r, '/', 1) = text_revision.organization)
      END)
  $policy$, app);
  -- Written only by who acts for all of it.
  EXECUTE format($policy$
    CREATE POLICY app_write ON text_revision FOR INSERT TO %I WITH CHECK (
      CASE
        WHEN site IS NOT NULL THEN redress_in_scope(site)
        WHEN region IS NOT NULL THEN redress_place_in_scope('', organization, region)
        ELSE redress_organization_in_scope(organization)
      END)
  $policy$, app);
END
$$;
