-- Receipts of clocks that fired late: when each was due, when it fired, and why so late. Written by the worker beside the
-- firing, kept for 30 days; triage keeps the same of the clocks of cases.

CREATE TABLE late_firing (
  site       text NOT NULL,
  clock_id   uuid NOT NULL,
  generation bigint NOT NULL,
  due_time   timestamptz NOT NULL,
  fire_time  timestamptz NOT NULL,
  -- A word of the timers: BACKLOG, REDIS_AWAY, WORKER_LOST and so on.
  cause      text NOT NULL,
  CONSTRAINT late_firing_key PRIMARY KEY (site, clock_id, generation),
  CONSTRAINT late_firing_clock FOREIGN KEY (site, clock_id) REFERENCES incident_clock (site, id)
);
-- For what is to be deleted, and for what is listed.
CREATE INDEX late_firing_by_time ON late_firing (fire_time);
CREATE INDEX late_firing_of_site ON late_firing (site, fire_time DESC, clock_id DESC, generation DESC);
-- The timers know a clock by its id alone, also one to which nothing is left to happen.
CREATE INDEX incident_clock_by_id ON incident_clock (id);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  ALTER TABLE late_firing ENABLE ROW LEVEL SECURITY;
  ALTER TABLE late_firing FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON late_firing TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT ON late_firing TO %I', app);
  -- The worker fires the clocks of all sites, and keeps their receipts.
  EXECUTE format('CREATE POLICY worker ON late_firing TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT, INSERT, DELETE ON late_firing TO %I', worker);
END
$$;
