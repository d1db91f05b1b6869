-- Briefings and what is promised at them (section 9). An agenda is computed from the log, so that released notes can be
-- written again from the rows they came from; `*_log` columns name the entry of the log that tells of a change, since
-- the log, and not the time, orders what one incident did.

-- The people of a case's matter as triage counts them: whether a briefing is a meeting hangs on it.
ALTER TABLE case_file ADD COLUMN cluster_complainants integer NOT NULL DEFAULT 0;

-- A promise about one thing that somebody looks after. Of a kind, one a thing runs at a time.
ALTER TABLE incident_clock
  -- The thing; NULL where the promise is the incident's own.
  ADD COLUMN IF NOT EXISTS subject uuid,
  -- The role that answers for it; NULL: as the kind says.
  ADD COLUMN IF NOT EXISTS owner text;
DROP INDEX incident_clock_running;
CREATE UNIQUE INDEX incident_clock_running ON incident_clock (site, incident, kind, case_id, subject) NULLS NOT DISTINCT
  WHERE state IN ('RUNNING', 'BREACHED');

CREATE TABLE briefing (
  site          text NOT NULL,
  id            uuid NOT NULL,
  incident      uuid NOT NULL,
  number        integer NOT NULL,
  state         text NOT NULL CONSTRAINT briefing_state CHECK (state IN ('PLANNED', 'HELD', 'RELEASED', 'CANCELLED')),
  plan_time     timestamptz NOT NULL,
  -- How it was held.
  form          text CONSTRAINT briefing_form CHECK (form IN ('MEETING', 'NOTICE')),
  hold_time     timestamptz,
  held_by       text,
  attendance    integer NOT NULL DEFAULT 0,
  staff         text[] NOT NULL DEFAULT '{}',
  cases         uuid[] NOT NULL DEFAULT '{}',
  reference     text NOT NULL DEFAULT '',
  -- How its notes were released: what they cover, in which stage and zone, and the words themselves.
  release_time  timestamptz,
  released_by   text,
  since_log     bigint,
  since_time    timestamptz,
  until_log     bigint,
  stage         text,
  time_zone     text,
  notes         text,
  digest        bytea,
  revision      bigint NOT NULL,
  CONSTRAINT briefing_key PRIMARY KEY (site, id),
  CONSTRAINT briefing_number UNIQUE (site, incident, number),
  CONSTRAINT briefing_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT briefing_held CHECK ((state IN ('HELD', 'RELEASED')) = (hold_time IS NOT NULL)
                              AND (hold_time IS NULL) = (held_by IS NULL) AND (hold_time IS NULL) = (form IS NULL)),
  CONSTRAINT briefing_released CHECK ((state = 'RELEASED') = (release_time IS NOT NULL)
    AND num_nulls(release_time, released_by, since_log, since_time, until_log, stage, time_zone, notes, digest) IN (0, 9))
);
-- One at a time is planned (P17).
CREATE UNIQUE INDEX briefing_planned ON briefing (site, incident) WHERE state = 'PLANNED';

CREATE TABLE briefing_question (
  site        text NOT NULL,
  briefing    uuid NOT NULL,
  number      integer NOT NULL,
  text        text NOT NULL,
  ask_log     bigint NOT NULL,
  answer      text,
  answer_time timestamptz,
  answered_by text,
  answer_log  bigint,
  CONSTRAINT briefing_question_key PRIMARY KEY (site, briefing, number),
  CONSTRAINT briefing_question_briefing FOREIGN KEY (site, briefing) REFERENCES briefing (site, id),
  CONSTRAINT briefing_question_answered CHECK (num_nulls(answer, answer_time, answered_by, answer_log) IN (0, 4))
);

CREATE TABLE commitment (
  site        text NOT NULL,
  id          uuid NOT NULL,
  -- Follows the incident when that is merged into another.
  incident    uuid NOT NULL,
  briefing    uuid NOT NULL,
  text        text NOT NULL,
  owner       text NOT NULL,
  stage       text NOT NULL,
  due_time    timestamptz NOT NULL,
  make_log    bigint NOT NULL,
  -- The entry in the log of the incident that it went to when its own was merged.
  join_log    bigint,
  state       text NOT NULL CONSTRAINT commitment_state CHECK (state IN ('OPEN', 'KEPT', 'WAIVED')),
  settle_time timestamptz,
  settled_by  text,
  outcome     text,
  settle_log  bigint,
  revision    bigint NOT NULL,
  CONSTRAINT commitment_key PRIMARY KEY (site, id),
  CONSTRAINT commitment_briefing FOREIGN KEY (site, briefing) REFERENCES briefing (site, id),
  CONSTRAINT commitment_settled CHECK ((state = 'OPEN') = (settle_time IS NULL)
    AND num_nulls(settle_time, settled_by, outcome, settle_log) IN (0, 4))
);
CREATE INDEX commitment_incident ON commitment (site, incident, due_time, id);

-- What was released never changes, whatever the code does; only its etag does, when a question is answered later.
CREATE FUNCTION keep_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'RELEASED' AND to_jsonb(NEW) - 'revision' IS DISTINCT FROM to_jsonb(OLD) - 'revision' THEN
    RAISE EXCEPTION 'released notes never change' USING ERRCODE = 'check_violation', CONSTRAINT = 'briefing_released_once';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER briefing_released BEFORE UPDATE ON briefing FOR EACH ROW EXECUTE FUNCTION keep_released();

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['briefing', 'briefing_question', 'commitment'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
END
$$;
