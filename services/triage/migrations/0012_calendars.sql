-- The working time of sites, as revisions that are only added. One says everything from its effective date
-- on; the days before keep what the revisions before it said, so that no change reaches into the past.

CREATE TABLE calendar_revision (
  site           text NOT NULL,
  revision       integer NOT NULL,
  -- Names this row in every process: what is computed from it is cached by it.
  id             uuid NOT NULL,
  cause          text NOT NULL,
  -- The first day on which it holds; NULL for the first, which holds from the beginning.
  effective_date date,
  -- The site's zone when it was made: another one is another revision.
  time_zone      text NOT NULL,
  -- Whose public holidays, and by which version of the shipped data; 0 where none ship.
  holidays       text NOT NULL,
  data_version   integer NOT NULL,
  -- Whether the site stated its hours; else they were its policy's.
  own_hours      boolean NOT NULL,
  -- Monday to Sunday and make-up days, for example '09:00-12:00,13:00-18:00'; empty where closed.
  week           text[] NOT NULL,
  make_up        text NOT NULL,
  -- The site's own days, whole: dates, what they are and what they are called.
  day_dates      text[] NOT NULL,
  day_kinds      text[] NOT NULL,
  day_names      text[] NOT NULL,
  -- Years whose own days are complete.
  own_years      smallint[] NOT NULL,
  -- Whether running clocks follow; what a policy says anew holds for new clocks only (P26).
  moves          boolean NOT NULL,
  author         text NOT NULL,
  note           text NOT NULL,
  create_time    timestamptz NOT NULL,
  CONSTRAINT calendar_revision_key PRIMARY KEY (site, revision),
  CONSTRAINT calendar_revision_first CHECK ((effective_date IS NULL) = (revision = 1)),
  CONSTRAINT calendar_revision_week CHECK (cardinality(week) = 7),
  CONSTRAINT calendar_revision_days CHECK (cardinality(day_dates) = cardinality(day_kinds)
    AND cardinality(day_dates) = cardinality(day_names))
);

-- Clocks that a newer revision has still to move.
CREATE INDEX clock_behind ON clock (site, calendar_revision) WHERE stop_time IS NULL;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE 'ALTER TABLE calendar_revision ENABLE ROW LEVEL SECURITY';
  EXECUTE 'ALTER TABLE calendar_revision FORCE ROW LEVEL SECURITY';
  EXECUTE format('CREATE POLICY app ON calendar_revision TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT ON calendar_revision TO %I', app);
  -- The worker finds the sites, and the clocks that have not followed yet, and nothing else.
  EXECUTE format('GRANT SELECT (site, revision, moves) ON calendar_revision TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON calendar_revision FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (case_id, stop_time, calendar_revision) ON clock TO %I', worker);
  EXECUTE format('GRANT SELECT (site) ON site TO %I', worker);
  EXECUTE format('CREATE POLICY calendar_worker ON site FOR SELECT TO %I USING (true)', worker);
END
$$;
