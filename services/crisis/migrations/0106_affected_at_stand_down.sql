-- How many complained in each case when its incident was stood down. Cases are archived one after another from then on, and whom the incident had
-- reached was told of fewer and fewer people. NULL while it is open, and of one that was stood down before this was kept: what is known now counts.
ALTER TABLE incident_case ADD COLUMN affected integer;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (affected) ON incident_case TO %I', app);
END
$$;
