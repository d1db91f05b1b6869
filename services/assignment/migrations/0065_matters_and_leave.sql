-- One summons a matter, and offers that wait for somebody on leave.

-- The cluster whose size calls for the person; the case itself where it has none. Empty in rows from before.
ALTER TABLE summons ADD COLUMN matter text NOT NULL DEFAULT '';
CREATE INDEX summons_of_matter ON summons (site, matter, staff) WHERE matter <> '';

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- Finds sites where something waits for somebody on leave, and nothing else of it.
  EXECUTE format('GRANT SELECT (site, staff, start_time, end_time) ON leave TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON leave FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, offered_to, status) ON work TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON work FOR SELECT TO %I USING (true)', worker);
END
$$;
