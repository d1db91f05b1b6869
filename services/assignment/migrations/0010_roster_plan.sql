-- Rosters by rules. The rules are one document that is set whole, so they lie in one row; leave and swaps come and go
-- one at a time. Duties set flat stay in `duty` beside them.

-- Local times are of the site's zone. Sites known before this one get it with intake's next word on them.
ALTER TABLE site ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Shanghai';

CREATE TABLE roster_plan (
  site     text NOT NULL CONSTRAINT roster_plan_key PRIMARY KEY,
  rules    jsonb NOT NULL,
  revision bigint NOT NULL,
  CONSTRAINT roster_plan_site FOREIGN KEY (site) REFERENCES site (site)
);

CREATE TABLE leave (
  site       text NOT NULL,
  id         uuid NOT NULL,
  staff      text NOT NULL,
  start_time timestamptz NOT NULL,
  end_time   timestamptz NOT NULL,
  CONSTRAINT leave_key PRIMARY KEY (site, id),
  CONSTRAINT leave_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id),
  CONSTRAINT leave_forward CHECK (start_time < end_time)
);
CREATE INDEX leave_latest ON leave (site, end_time DESC, id DESC);

CREATE TABLE swap (
  site       text NOT NULL,
  -- In the order of making: the newest counts.
  id         uuid NOT NULL,
  staff      text NOT NULL,
  substitute text NOT NULL,
  -- NULL: every duty.
  role       text,
  start_time timestamptz NOT NULL,
  end_time   timestamptz NOT NULL,
  CONSTRAINT swap_key PRIMARY KEY (site, id),
  CONSTRAINT swap_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id),
  CONSTRAINT swap_substitute FOREIGN KEY (site, substitute) REFERENCES staff (site, id),
  CONSTRAINT swap_forward CHECK (start_time < end_time),
  CONSTRAINT swap_of_two CHECK (staff <> substitute)
);
CREATE INDEX swap_latest ON swap (site, end_time DESC, id DESC);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['roster_plan', 'leave', 'swap'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON roster_plan TO %I', app);
  FOREACH name IN ARRAY ARRAY['leave', 'swap'] LOOP
    EXECUTE format('GRANT DELETE ON %I TO %I', name, app);
  END LOOP;
END
$$;
