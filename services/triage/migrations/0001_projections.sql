-- What triage knows of others, fed by their events. No name, no contact point, no text.

-- The directory, from intake.
CREATE TABLE site (
  site         text PRIMARY KEY,
  organization text NOT NULL,
  region       text NOT NULL,
  kind         text NOT NULL,
  -- IANA zone: days, months and working hours are read in it.
  time_zone    text NOT NULL,
  revision     bigint NOT NULL,
  -- Documents read so far; the denominator of what a word weighs (domain::similarity).
  documents    bigint NOT NULL DEFAULT 0
);

-- Which roster is known, from assignment.
CREATE TABLE duty_roster (
  site     text PRIMARY KEY,
  revision bigint NOT NULL
);

-- Its stretches of duty; replaced whole.
CREATE TABLE duty_slot (
  site       text NOT NULL,
  role       text NOT NULL,
  staff      text NOT NULL,
  rank       integer NOT NULL,
  start_time timestamptz NOT NULL,
  -- NULL where open.
  end_time   timestamptz
);
CREATE INDEX duty_slot_site ON duty_slot (site, role);

-- People who no longer work here: never told anything.
CREATE TABLE staff_retired (
  site     text NOT NULL,
  staff    text NOT NULL,
  revision bigint NOT NULL,
  retired  boolean NOT NULL,
  CONSTRAINT staff_retired_key PRIMARY KEY (site, staff)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site', 'duty_roster', 'duty_slot', 'staff_retired'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT DELETE ON duty_slot TO %I', app);
END
$$;
