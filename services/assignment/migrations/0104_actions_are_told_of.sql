-- An open corrective action warns its owner, and climbs the lead ladder once it is late (M16): it outlives its case, and may have none,
-- so assignment looks for what is due itself. It counts from when the action was opened last, which is its last change while it is
-- open; actions of before are told of as they stand.
ALTER TABLE corrective_action
  -- How often it was told of since it was opened last.
  ADD COLUMN told integer NOT NULL DEFAULT 0;
CREATE INDEX corrective_action_open ON corrective_action (due_time) WHERE state = 'OPEN';

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT (site, id, state, due_time, update_time, told) ON corrective_action TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON corrective_action FOR SELECT TO %I USING (true)', worker);
END
$$;
