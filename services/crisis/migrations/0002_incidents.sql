-- Incidents and what belongs to them.

CREATE TABLE incident (
  site        text NOT NULL,
  id          uuid NOT NULL,
  -- For people: site, day of opening in the site's zone, count of that day.
  number      text NOT NULL,
  -- The matter. Follows the cluster when that is merged into another.
  cluster     uuid NOT NULL,
  state       text NOT NULL CONSTRAINT incident_state CHECK (state IN ('OPEN', 'MERGED', 'STOOD_DOWN')),
  mode        text NOT NULL CONSTRAINT incident_mode CHECK (mode IN ('PUBLIC', 'PRIVATE')),
  mode_reason text NOT NULL,
  -- Public criteria already weighed, as case/criterion: only a new one overrules the commander's word.
  weighed     text[] NOT NULL,
  stage       text NOT NULL CONSTRAINT incident_stage CHECK (stage IN ('LATENT', 'OUTBREAK', 'HANDLING', 'AFTERMATH')),
  open_reason text NOT NULL,
  -- Subject of a token; empty where it opened by itself.
  opened_by   text NOT NULL,
  -- The case that opened it.
  opened_case uuid NOT NULL,
  open_time   timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  merged_into uuid,
  revision    bigint NOT NULL,
  CONSTRAINT incident_key PRIMARY KEY (site, id),
  CONSTRAINT incident_number UNIQUE (site, number),
  CONSTRAINT incident_merged CHECK ((state = 'MERGED') = (merged_into IS NOT NULL))
);
-- I6: at most one open incident of a site and matter, under any concurrency.
CREATE UNIQUE INDEX incident_open ON incident (site, cluster) WHERE state = 'OPEN';
-- Incidents merged into one.
CREATE INDEX incident_merged_into ON incident (site, merged_into) WHERE merged_into IS NOT NULL;

-- How many incidents a site opened on a day of its zone.
CREATE TABLE incident_day (
  site  text NOT NULL,
  day   date NOT NULL,
  taken integer NOT NULL,
  CONSTRAINT incident_day_key PRIMARY KEY (site, day)
);

-- One message about one incident to one person, who has to answer. A person in several roles is called
-- once.
CREATE TABLE callout (
  site         text NOT NULL,
  id           uuid NOT NULL,
  incident     uuid NOT NULL,
  staff        text NOT NULL,
  state        text NOT NULL CONSTRAINT callout_state CHECK (state IN ('REQUESTED', 'SENT', 'ACKNOWLEDGED', 'FAILED')),
  change_time  timestamptz NOT NULL,
  CONSTRAINT callout_key PRIMARY KEY (site, id)
);
-- Nobody is called twice about one incident while the first call stands.
CREATE UNIQUE INDEX callout_standing ON callout (site, incident, staff) WHERE state <> 'FAILED';

-- The command. Every role has a row from the opening on, filled or not.
CREATE TABLE incident_role (
  site     text NOT NULL,
  incident uuid NOT NULL,
  role     text NOT NULL,
  -- Who fills it; NULL while unfilled.
  staff    text,
  deputies text[] NOT NULL,
  -- While unfilled: the lead who was paged instead.
  stand_in text,
  -- Who was called for it in vain.
  tried    text[] NOT NULL,
  -- The call-out of whoever holds it or stands in.
  callout  uuid,
  CONSTRAINT incident_role_key PRIMARY KEY (site, incident, role),
  CONSTRAINT incident_role_one CHECK (staff IS NULL OR stand_in IS NULL)
);
CREATE INDEX incident_role_unfilled ON incident_role (site, incident) WHERE staff IS NULL;
CREATE INDEX incident_role_callout ON incident_role (site, callout) WHERE callout IS NOT NULL;

-- Promises. One row for each period of a cadence; a row that stopped never runs again.
CREATE TABLE incident_clock (
  site            text NOT NULL,
  id              uuid NOT NULL,
  incident        uuid NOT NULL,
  kind            text NOT NULL,
  -- LEADER_CONTACT: whose complainant. NULL for every other kind.
  case_id         uuid,
  state           text NOT NULL CONSTRAINT incident_clock_state CHECK (state IN ('RUNNING', 'BREACHED', 'MET', 'CANCELLED')),
  start_time      timestamptz NOT NULL,
  warn_time       timestamptz NOT NULL,
  due_time        timestamptz NOT NULL,
  climb_duty_time timestamptz NOT NULL,
  climb_top_time  timestamptz NOT NULL,
  -- Last step told: 0 none, 1 warned, 2 breached, 3 duty lead, 4 top lead.
  told            smallint NOT NULL,
  -- Whether anybody could be told since it breached; if not, the next roster is asked.
  heard           boolean NOT NULL,
  level           smallint NOT NULL,
  -- Fences timers: rises with every change.
  generation      bigint NOT NULL,
  -- NULL when nothing is left to happen.
  next_time       timestamptz,
  stop_time       timestamptz,
  -- W3C trace context in which the promise was made; empty where nothing records traces.
  traceparent     text NOT NULL,
  CONSTRAINT incident_clock_key PRIMARY KEY (site, id),
  CONSTRAINT incident_clock_stopped CHECK ((state IN ('MET', 'CANCELLED')) = (stop_time IS NOT NULL)),
  CONSTRAINT incident_clock_still CHECK (stop_time IS NULL OR next_time IS NULL)
);
-- One running clock of a kind (and case); a period neither starts twice nor overlaps (P17).
CREATE UNIQUE INDEX incident_clock_running ON incident_clock (site, incident, kind, case_id) NULLS NOT DISTINCT
  WHERE state IN ('RUNNING', 'BREACHED');
CREATE INDEX incident_clock_incident ON incident_clock (site, incident, start_time);
-- What is due next, over all sites; and the same by id, for the audit of the timer index.
CREATE INDEX incident_clock_next ON incident_clock (next_time) WHERE next_time IS NOT NULL;
CREATE UNIQUE INDEX incident_clock_armed ON incident_clock (id) WHERE next_time IS NOT NULL;

-- What happened. Only ever added to.
CREATE TABLE incident_log (
  site      text NOT NULL,
  incident  uuid NOT NULL,
  number    bigint NOT NULL,
  kind      text NOT NULL,
  log_time  timestamptz NOT NULL,
  -- Subject of a token; empty where the platform did it.
  actor     text NOT NULL,
  text      text NOT NULL,
  reference text NOT NULL,
  CONSTRAINT incident_log_key PRIMARY KEY (site, incident, number)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['incident', 'incident_day', 'callout', 'incident_role', 'incident_clock', 'incident_log'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['incident', 'incident_day', 'callout', 'incident_role', 'incident_clock'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
  -- The worker finds what is due in all sites; everything else goes through the one site it found.
  EXECUTE format('GRANT SELECT (site, id, generation, next_time, traceparent) ON incident_clock TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON incident_clock FOR SELECT TO %I USING (true)', worker);
  -- It also finds the sites with unfilled roles, to look again when shifts change.
  EXECUTE format('GRANT SELECT (site, id, state) ON incident TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON incident FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, incident, staff) ON incident_role TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON incident_role FOR SELECT TO %I USING (true)', worker);
END
$$;
