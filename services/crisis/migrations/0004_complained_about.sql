-- Staff complained about can neither see nor handle the case (section 7), nor an incident that holds it.

-- The person who asks, as the API sets it for its transaction; NULL where nobody asks: events, timers.
CREATE FUNCTION asking_staff() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN NULLIF(current_setting('redress.staff', true), '');

-- From intake's facts, fenced by their revision. Full names, `sites/{site}/staff/{staff}`.
ALTER TABLE case_file
  ADD COLUMN facts_revision bigint NOT NULL DEFAULT 0,
  ADD COLUMN complained_about text[] NOT NULL DEFAULT '{}';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  -- An incident that was merged is hidden with the one that has its cases now.
  EXECUTE format('CREATE POLICY complained_about ON incident AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR NOT EXISTS (
      SELECT FROM case_file c
      WHERE c.site = incident.site
        AND (c.incident = incident.id OR c.incident = incident.merged_into OR c.id = incident.opened_case)
        AND asking_staff() = ANY (c.complained_about)))', app);
END
$$;
