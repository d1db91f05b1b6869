-- Cases as grading reads them, their clusters, signals and decisions.

-- Cases about the same issue. Every case has one from birth.
CREATE TABLE cluster (
  site        text NOT NULL,
  id          uuid NOT NULL,
  create_time timestamptz NOT NULL,
  -- The cluster that took all its cases; such a one is only followed.
  merged_into uuid,
  revision    bigint NOT NULL,
  CONSTRAINT cluster_key PRIMARY KEY (site, id),
  CONSTRAINT cluster_other CHECK (merged_into <> id)
);

CREATE TABLE case_file (
  site               text NOT NULL,
  id                 uuid NOT NULL,
  -- From intake: whole facts, newest revision.
  number             text NOT NULL,
  channel            text NOT NULL,
  historical         boolean NOT NULL,
  received_time      timestamptz NOT NULL,
  headcount          integer NOT NULL,
  person_tokens      text[] NOT NULL,
  quality_impact     text NOT NULL,
  wants              text NOT NULL,
  claim              numeric(14,2),
  assessed_claim     numeric(14,2),
  repeat             boolean NOT NULL,
  needs_advisers     boolean NOT NULL,
  stated_category    text,
  first_contact      text,
  excluded           text[] NOT NULL,
  facts_revision     bigint NOT NULL,
  -- Status: intake's moves bump the epoch, others stamp the one they saw.
  status             text NOT NULL,
  epoch              bigint NOT NULL,
  -- Since when the matter is resolved; NULL while it is not.
  resolved_since     timestamptz,
  -- For how long its age did not count.
  held_micros        bigint NOT NULL DEFAULT 0,
  -- From assignment: who is told when a clock warns.
  responsible        text,
  owner_revision     bigint NOT NULL DEFAULT 0,
  -- Ours.
  suggested_category text,
  category_words     text[] NOT NULL,
  cluster            uuid NOT NULL,
  -- Cosine with the case by which it joined; 0 for a first case and where a person put it.
  similarity         double precision NOT NULL,
  -- Newest decision; 0 before the first.
  decision           bigint NOT NULL DEFAULT 0,
  grade              smallint,
  create_time        timestamptz NOT NULL,
  CONSTRAINT case_file_key PRIMARY KEY (site, id),
  CONSTRAINT case_file_cluster FOREIGN KEY (site, cluster) REFERENCES cluster (site, id),
  CONSTRAINT case_file_grade CHECK (grade BETWEEN 1 AND 4)
);
CREATE INDEX case_file_of_cluster ON case_file (site, cluster, received_time DESC);

-- Keyed hashes of the words of each case with their counts: enough to compare, not to read.
-- One row a word, found by equality: array operators are not leakproof, so their index would not be used
-- under row security.
CREATE TABLE case_term (
  site          text NOT NULL,
  term          bigint NOT NULL,
  case_id       uuid NOT NULL,
  count         integer NOT NULL,
  -- Repeated here so that the window is part of the index.
  received_time timestamptz NOT NULL,
  CONSTRAINT case_term_key PRIMARY KEY (site, term, case_id)
);
CREATE INDEX case_term_of_case ON case_term (site, case_id);

-- In how many of the site's documents a word occurs.
CREATE TABLE term (
  site      text NOT NULL,
  term      bigint NOT NULL,
  documents bigint NOT NULL,
  CONSTRAINT term_key PRIMARY KEY (site, term)
);

CREATE TABLE signal (
  site         text NOT NULL,
  id           uuid NOT NULL,
  case_id      uuid NOT NULL,
  kind         text NOT NULL,
  basis        text NOT NULL,
  reach        bigint NOT NULL,
  known_time   timestamptz NOT NULL,
  -- Stated with the case (intake) or recorded here.
  stated       boolean NOT NULL,
  recorder     text NOT NULL,
  confirmer    text,
  confirm_time timestamptz,
  create_time  timestamptz NOT NULL,
  revision     bigint NOT NULL,
  CONSTRAINT signal_key PRIMARY KEY (site, id),
  CONSTRAINT signal_case FOREIGN KEY (site, case_id) REFERENCES case_file (site, id),
  CONSTRAINT signal_confirmed CHECK ((confirmer IS NULL) = (confirm_time IS NULL))
);
CREATE INDEX signal_of_case ON signal (site, case_id, create_time DESC, id DESC);

-- Rows are only added. Each hashes what it says and the hash before it (I12).
CREATE TABLE decision (
  site                 text NOT NULL,
  case_id              uuid NOT NULL,
  revision             bigint NOT NULL,
  grade                smallint NOT NULL,
  -- What the facts alone gave; lower than the grade where the graver one stands until a person lowers it.
  computed_grade       smallint NOT NULL,
  criteria             text[] NOT NULL,
  evidence             text[] NOT NULL,
  nature               text NOT NULL,
  urgency              text NOT NULL,
  category             text,
  category_stated      boolean NOT NULL,
  category_words       text[] NOT NULL,
  cluster              uuid NOT NULL,
  complainants         integer NOT NULL,
  cluster_complainants integer NOT NULL,
  cluster_recent_cases integer NOT NULL,
  suspected            text[] NOT NULL,
  cause                text NOT NULL,
  decide_time          timestamptz NOT NULL,
  policy_profile       text NOT NULL,
  policy_revision      integer NOT NULL,
  historical           boolean NOT NULL,
  hash                 bytea NOT NULL,
  CONSTRAINT decision_key PRIMARY KEY (site, case_id, revision),
  CONSTRAINT decision_case FOREIGN KEY (site, case_id) REFERENCES case_file (site, id),
  CONSTRAINT decision_evidence CHECK (cardinality(criteria) = cardinality(evidence) AND cardinality(criteria) > 0)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['cluster', 'case_file', 'case_term', 'term', 'signal', 'decision'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['cluster', 'case_file', 'term', 'signal'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
  -- A signal stated with a case goes when the case no longer states it.
  EXECUTE format('GRANT DELETE ON signal TO %I', app);
END
$$;
