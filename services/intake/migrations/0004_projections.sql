-- What intake knows from assignment: who is on duty, and which account is which person.
CREATE TABLE duty_roster (
  site     text PRIMARY KEY,
  revision bigint NOT NULL
);

CREATE TABLE duty_slot (
  site       text NOT NULL,
  role       text NOT NULL,
  staff      text NOT NULL,
  -- 0 for the holder, 1 for the first deputy, and so on.
  rank       integer NOT NULL,
  start_time timestamptz NOT NULL,
  -- Null where open.
  end_time   timestamptz
);
CREATE INDEX duty_slot_at ON duty_slot (site, role, start_time);

CREATE TABLE staff (
  site     text NOT NULL,
  name     text NOT NULL,
  -- Subject of the person's access tokens; '' where none.
  account  text NOT NULL,
  retired  boolean NOT NULL,
  revision bigint NOT NULL,
  CONSTRAINT staff_key PRIMARY KEY (site, name)
);
CREATE INDEX staff_account ON staff (account) WHERE account <> '';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['duty_roster', 'duty_slot', 'staff'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', one, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', one, app);
  END LOOP;
END
$$;
