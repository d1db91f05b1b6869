-- Promises with a deadline. The events are the truth, the other columns of clock are what the fold of them
-- gives (I5), kept so that what is due can be found.

CREATE TABLE clock (
  site            text NOT NULL,
  id              uuid NOT NULL,
  case_id         uuid NOT NULL,
  kind            text NOT NULL,
  state           text NOT NULL,
  -- How much time is promised, for example '4 working hours'; what an age check waits for.
  length          text NOT NULL,
  start_time      timestamptz NOT NULL,
  warn_time       timestamptz NOT NULL,
  due_time        timestamptz NOT NULL,
  duty_lead_time  timestamptz NOT NULL,
  top_lead_time   timestamptz NOT NULL,
  -- When something happens next; NULL when it is stopped, held, or has climbed to the top.
  next_time       timestamptz,
  -- Last step that took effect in this round: 0 none, 1 warned, 2 breached, 3 duty lead, 4 top lead.
  told            smallint NOT NULL,
  -- Rung of the ladder that was told.
  level           smallint NOT NULL,
  stop_time       timestamptz,
  held            boolean NOT NULL,
  round           integer NOT NULL,
  grade           smallint NOT NULL,
  policy_profile  text NOT NULL,
  policy_revision integer NOT NULL,
  provisional     boolean NOT NULL,
  create_time     timestamptz NOT NULL,
  -- Fences timers: an entry of an older generation is stale.
  generation      bigint NOT NULL,
  -- W3C trace context in which the promise was made; empty where nothing records traces.
  traceparent     text NOT NULL,
  CONSTRAINT clock_key PRIMARY KEY (site, id),
  CONSTRAINT clock_case FOREIGN KEY (site, case_id) REFERENCES case_file (site, id),
  CONSTRAINT clock_one_of_a_kind UNIQUE (site, case_id, kind)
);
CREATE INDEX clock_newest ON clock (create_time DESC, id DESC);
CREATE INDEX clock_site_newest ON clock (site, create_time DESC, id DESC);
-- For the scan of what is due and the audit of the timer index, over all sites.
CREATE INDEX clock_due ON clock (next_time, grade) WHERE next_time IS NOT NULL;
CREATE INDEX clock_armed ON clock (id) WHERE next_time IS NOT NULL;
CREATE INDEX clock_by_id ON clock (id);

-- What happened to a clock. Rows are only added.
CREATE TABLE clock_event (
  site        text NOT NULL,
  clock_id    uuid NOT NULL,
  sequence    bigint NOT NULL,
  -- An event of the fold; NULL for what was only told (a warning, a breach, a climb).
  event       jsonb,
  transition  text NOT NULL,
  -- When it took effect.
  event_time  timestamptz NOT NULL,
  due_time    timestamptz NOT NULL,
  cause       text NOT NULL,
  CONSTRAINT clock_event_key PRIMARY KEY (site, clock_id, sequence),
  CONSTRAINT clock_event_clock FOREIGN KEY (site, clock_id) REFERENCES clock (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['clock', 'clock_event'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON clock TO %I', app);
  -- The worker finds what is due and nothing else.
  EXECUTE format('GRANT SELECT (site, id, generation, next_time, grade, traceparent) ON clock TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON clock FOR SELECT TO %I USING (true)', worker);
END
$$;
