-- Somebody watches tasks: one that is late, or that nobody was there to be asked for, is put to the next person up (P14).

ALTER TABLE task
  -- How often it was put to the next one up.
  ADD COLUMN step      integer NOT NULL DEFAULT 0,
  -- When it is looked at next; null: once it is due.
  ADD COLUMN look_time timestamptz;
CREATE INDEX task_look_idx ON task ((coalesce(look_time, due_time))) WHERE state <> 'DONE';

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE task NO FORCE ROW LEVEL SECURITY;
UPDATE task SET look_time = create_time WHERE state = 'OPEN' AND offered_to = '';
ALTER TABLE task FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- The worker finds what is to be looked at in all sites and reads nothing else.
  EXECUTE format('CREATE POLICY task_look_due ON task FOR SELECT TO %I USING (state <> ''DONE'')', worker);
  EXECUTE format('GRANT SELECT (site, task_id, state, due_time, look_time) ON task TO %I', worker);
END
$$;
