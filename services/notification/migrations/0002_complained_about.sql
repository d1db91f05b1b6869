-- Staff complained about can neither see nor handle the case (section 7), nor what is said about it.

-- The person who asks, as the API sets it for its transaction; NULL where nobody asks: events, sending.
CREATE FUNCTION asking_staff() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN NULLIF(current_setting('redress.staff', true), '');

-- From intake's facts, fenced by their revision. Full names, `sites/{site}/staff/{staff}`.
ALTER TABLE case_view ADD COLUMN complained_about text[] NOT NULL DEFAULT '{}';

-- Every case that an incident ever had: what was said before it was merged stays hidden.
ALTER TABLE incident_view ADD COLUMN ever_case_ids uuid[] NOT NULL DEFAULT '{}';
UPDATE incident_view SET ever_case_ids = case_ids;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('CREATE POLICY complained_about ON message AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR NOT EXISTS (
      SELECT FROM case_view c
      WHERE c.site = message.site
        AND (c.case_id = message.case_id
             OR c.case_id = ANY (ARRAY(
                  SELECT unnest(i.ever_case_ids) FROM incident_view i
                  WHERE i.site = message.site AND i.incident_id = message.incident_id)))
        AND asking_staff() = ANY (c.complained_about)))', app);
END
$$;
