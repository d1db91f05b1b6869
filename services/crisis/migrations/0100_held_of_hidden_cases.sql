-- An incident holds messages about its neighbours' cases too. Staff complained about in one of those can neither see nor handle that case
-- (section 7): in the room and in the export they find none of its messages, while the incident stays theirs.
DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('CREATE POLICY complained_about ON incident_held AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR NOT EXISTS (
      SELECT FROM case_file c
      WHERE c.site = incident_held.site AND c.id = incident_held.case_id AND asking_staff() = ANY (c.complained_about)))', app);
END
$$;
