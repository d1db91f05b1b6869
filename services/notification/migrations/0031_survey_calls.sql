-- Calls about surveys are tasks like all others, so that whoever sits at the telephone has one list (M12).

-- When the task of the next call is to be made; null where it was made, or nobody is to call.
ALTER TABLE survey ADD COLUMN call_task_time timestamptz;
CREATE INDEX survey_call_task_idx ON survey (call_task_time) WHERE call_task_time IS NOT NULL;

ALTER TABLE task
  ADD COLUMN survey_id uuid,
  DROP CONSTRAINT task_kind_check,
  ADD CONSTRAINT task_kind_check CHECK (kind IN ('CALL', 'LETTER', 'UNREACHED', 'SURVEY')),
  ADD CONSTRAINT task_survey_check CHECK ((kind = 'SURVEY') = (survey_id IS NOT NULL));
CREATE INDEX task_survey_idx ON task (site, survey_id) WHERE survey_id IS NOT NULL;

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE survey NO FORCE ROW LEVEL SECURITY;
UPDATE survey SET call_task_time = next_call_time WHERE state = 'OPEN';
ALTER TABLE survey FORCE ROW LEVEL SECURITY;

ALTER TABLE survey ADD CONSTRAINT survey_call_task_check CHECK (state = 'OPEN' OR call_task_time IS NULL);

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- The worker finds whose call is due in all sites and reads nothing else.
  EXECUTE format('CREATE POLICY survey_call_due ON survey FOR SELECT TO %I USING (call_task_time IS NOT NULL)', worker);
  EXECUTE format('GRANT SELECT (site, survey_id, call_task_time) ON survey TO %I', worker);
END
$$;
