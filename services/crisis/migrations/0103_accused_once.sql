-- Staff complained about find no incident that has a case which accuses them, or ever had: its log tells of that case by number and criteria after it
-- was taken out (section 7, decision 53).
DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  -- An incident that was merged is hidden with the one that has its cases now.
  EXECUTE format('CREATE POLICY complained_about_once ON incident AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR NOT EXISTS (
      SELECT FROM incident_case m
      JOIN case_file c ON c.site = m.site AND c.id = m.case_id
      WHERE m.site = incident.site AND m.incident IN (incident.id, incident.merged_into)
        AND asking_staff() = ANY (c.complained_about)))', app);
END
$$;
