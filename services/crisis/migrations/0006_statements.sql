-- What may leave as the company's word (I7). Every version of a text and every verdict is only ever added; what was
-- published is fixed by a trigger, so that no mistake of ours can change it.

CREATE TABLE statement (
  site         text NOT NULL,
  id           uuid NOT NULL,
  incident     uuid NOT NULL,
  kind         text NOT NULL,
  -- The published one whose place it takes.
  supersedes   uuid,
  state        text NOT NULL CONSTRAINT statement_state CHECK (state IN ('DRAFT', 'PUBLISHED', 'SUPERSEDED', 'DROPPED')),
  -- The version that stands; of a published one: that left.
  version      bigint NOT NULL,
  -- The stage and digest that it left with.
  stage        text,
  digest       bytea,
  published_by text,
  publish_time timestamptz,
  create_time  timestamptz NOT NULL,
  update_time  timestamptz NOT NULL,
  revision     bigint NOT NULL,
  CONSTRAINT statement_key PRIMARY KEY (site, id),
  CONSTRAINT statement_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT statement_supersedes FOREIGN KEY (site, supersedes) REFERENCES statement (site, id),
  CONSTRAINT statement_left CHECK ((state IN ('PUBLISHED', 'SUPERSEDED')) = (publish_time IS NOT NULL)
                               AND (publish_time IS NULL) = (digest IS NULL)
                               AND (publish_time IS NULL) = (stage IS NULL)
                               AND (publish_time IS NULL) = (published_by IS NULL))
);
CREATE INDEX statement_newest ON statement (site, incident, create_time DESC, id DESC);
-- A published statement is superseded by one other at most.
CREATE UNIQUE INDEX statement_successor ON statement (site, supersedes) WHERE state IN ('PUBLISHED', 'SUPERSEDED');

-- Every version of the words. Rows are only added.
CREATE TABLE statement_version (
  site        text NOT NULL,
  statement   uuid NOT NULL,
  number      bigint NOT NULL,
  audience    text NOT NULL,
  language    text NOT NULL,
  text        text NOT NULL,
  -- [{"key", "value", "source"}]
  facts       jsonb NOT NULL,
  author      text NOT NULL,
  -- The author on the roster; NULL where the token names none.
  staff       text,
  write_time  timestamptz NOT NULL,
  CONSTRAINT statement_version_key PRIMARY KEY (site, statement, number),
  CONSTRAINT statement_version_statement FOREIGN KEY (site, statement) REFERENCES statement (site, id)
);

-- Every verdict. Rows are only added.
CREATE TABLE statement_review (
  site        text NOT NULL,
  statement   uuid NOT NULL,
  number      bigint NOT NULL,
  step        text NOT NULL,
  verdict     text NOT NULL,
  digest      bytea NOT NULL,
  reviewer    text NOT NULL,
  staff       text,
  reason      text NOT NULL,
  review_time timestamptz NOT NULL,
  CONSTRAINT statement_review_key PRIMARY KEY (site, statement, number),
  CONSTRAINT statement_review_statement FOREIGN KEY (site, statement) REFERENCES statement (site, id)
);

-- Who may act for a role of an incident, until when.
CREATE TABLE incident_deputy (
  site         text NOT NULL,
  incident     uuid NOT NULL,
  role         text NOT NULL,
  staff        text NOT NULL,
  end_time     timestamptz NOT NULL,
  appointed_by text NOT NULL,
  CONSTRAINT incident_deputy_key PRIMARY KEY (site, incident, role, staff)
);

-- What a site published, in a chain. Rows are only added.
CREATE TABLE feed_entry (
  site              text NOT NULL,
  number            bigint NOT NULL,
  statement         uuid NOT NULL,
  supersedes_number bigint NOT NULL,
  publish_time      timestamptz NOT NULL,
  previous_hash     bytea NOT NULL,
  hash              bytea NOT NULL,
  signature         text NOT NULL,
  CONSTRAINT feed_entry_key PRIMARY KEY (site, number),
  CONSTRAINT feed_entry_once UNIQUE (site, statement),
  CONSTRAINT feed_entry_statement FOREIGN KEY (site, statement) REFERENCES statement (site, id)
);

CREATE FUNCTION keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.publish_time IS NOT NULL AND (
       (NEW.version, NEW.stage, NEW.digest, NEW.published_by, NEW.publish_time, NEW.kind, NEW.incident)
         IS DISTINCT FROM
       (OLD.version, OLD.stage, OLD.digest, OLD.published_by, OLD.publish_time, OLD.kind, OLD.incident)
       OR NEW.supersedes IS DISTINCT FROM OLD.supersedes
       OR NEW.state NOT IN ('PUBLISHED', 'SUPERSEDED')
       OR (OLD.state = 'SUPERSEDED' AND NEW.state <> 'SUPERSEDED')) THEN
    RAISE EXCEPTION 'a published statement never changes' USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_published';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER statement_published BEFORE UPDATE ON statement FOR EACH ROW EXECUTE FUNCTION keep_published();

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['statement', 'statement_version', 'statement_review', 'incident_deputy', 'feed_entry'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['statement', 'incident_deputy'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
END
$$;
