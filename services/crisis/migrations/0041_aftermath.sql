-- What follows an incident (section 9, M01): its review, and what that asks of people.

CREATE TABLE review (
  site        text NOT NULL,
  incident    uuid NOT NULL,
  state       text NOT NULL CONSTRAINT review_state CHECK (state IN ('OPEN', 'CLOSED')),
  -- The version that stands; 0 while nobody has written one.
  version     bigint NOT NULL,
  update_time timestamptz NOT NULL,
  close_time  timestamptz,
  closed_by   text,
  revision    bigint NOT NULL,
  CONSTRAINT review_key PRIMARY KEY (site, incident),
  CONSTRAINT review_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT review_closed CHECK ((state = 'CLOSED') = (close_time IS NOT NULL) AND (close_time IS NULL) = (closed_by IS NULL))
);

-- Every version of what was written. Rows are only added.
CREATE TABLE review_version (
  site       text NOT NULL,
  incident   uuid NOT NULL,
  number     bigint NOT NULL,
  causes     text[] NOT NULL,
  worked     text[] NOT NULL,
  lacking    text[] NOT NULL,
  author     text NOT NULL,
  write_time timestamptz NOT NULL,
  CONSTRAINT review_version_key PRIMARY KEY (site, incident, number),
  CONSTRAINT review_version_review FOREIGN KEY (site, incident) REFERENCES review (site, incident)
);

CREATE TABLE review_action (
  site        text NOT NULL,
  id          uuid NOT NULL,
  incident    uuid NOT NULL,
  text        text NOT NULL,
  owner       text NOT NULL,
  due_time    timestamptz NOT NULL,
  state       text NOT NULL CONSTRAINT review_action_state CHECK (state IN ('OPEN', 'DONE', 'DROPPED')),
  settle_time timestamptz,
  settled_by  text,
  outcome     text,
  revision    bigint NOT NULL,
  CONSTRAINT review_action_key PRIMARY KEY (site, id),
  CONSTRAINT review_action_review FOREIGN KEY (site, incident) REFERENCES review (site, incident),
  CONSTRAINT review_action_settled CHECK ((state = 'OPEN') = (settle_time IS NULL)
    AND num_nulls(settle_time, settled_by, outcome) IN (0, 3))
);
CREATE INDEX review_action_incident ON review_action (site, incident, due_time, id);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['review', 'review_version', 'review_action'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['review', 'review_action'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
END
$$;
