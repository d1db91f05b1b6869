-- Joining and counting that do not slow down as a site and its clusters grow, what people say of a cluster,
-- and what corrections of a category teach.

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE case_term NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cluster NO FORCE ROW LEVEL SECURITY;

-- One row a word of a case, ordered so that the cases of a window are one stretch of the index. `share` is
-- the count of the word over the length of the case's vector when it came in, in units of what a word seen
-- for the first time weighed then: enough to rank, the likest are compared in full.
ALTER TABLE case_term ADD COLUMN share real NOT NULL DEFAULT 0;
UPDATE case_term t SET share = t.count / n.norm
FROM (SELECT site, case_id, sqrt(sum(count * count)) AS norm FROM case_term GROUP BY site, case_id) n
WHERE n.site = t.site AND n.case_id = t.case_id AND n.norm > 0;

-- The words of a case as one row, for comparing it in full.
CREATE TABLE case_words (
  site    text NOT NULL,
  case_id uuid NOT NULL,
  terms   bigint[] NOT NULL,
  counts  integer[] NOT NULL,
  CONSTRAINT case_words_key PRIMARY KEY (site, case_id),
  CONSTRAINT case_words_pairs CHECK (cardinality(terms) = cardinality(counts))
);
INSERT INTO case_words (site, case_id, terms, counts)
SELECT site, case_id, array_agg(term ORDER BY term), array_agg(count ORDER BY term)
FROM case_term GROUP BY site, case_id;

DROP INDEX case_term_of_case;
ALTER TABLE case_term DROP CONSTRAINT case_term_key;
ALTER TABLE case_term DROP COLUMN count;
ALTER TABLE case_term ADD CONSTRAINT case_term_key PRIMARY KEY (site, term, received_time, case_id) INCLUDE (share);

-- Every case counts its words here again: room on the page for the new version of a row.
ALTER TABLE term SET (fillfactor = 70);

-- What grading needs of a cluster, kept as its cases come and go.
ALTER TABLE cluster
  ADD COLUMN cases         integer NOT NULL DEFAULT 0,
  -- Distinct person tokens of the cases whose people still complain.
  ADD COLUMN persons       integer NOT NULL DEFAULT 0,
  -- Largest unnamed remainder of any of those.
  ADD COLUMN unnamed       integer NOT NULL DEFAULT 0,
  -- When its newest complaint was made; NULL while it has none.
  ADD COLUMN newest_time   timestamptz,
  -- Thresholds that it was past when its cases were last decided: 1 group, 2 large group, 4 similar cases.
  ADD COLUMN crossed       smallint NOT NULL DEFAULT 0,
  -- A defect of many homes (M19): NONE, PROPOSED, ACCEPTED or DISMISSED, who said so, when and why.
  ADD COLUMN defect        text NOT NULL DEFAULT 'NONE',
  ADD COLUMN defect_units  integer NOT NULL DEFAULT 0,
  ADD COLUMN defect_time   timestamptz,
  ADD COLUMN defect_by     text NOT NULL DEFAULT '',
  ADD COLUMN defect_reason text NOT NULL DEFAULT '',
  ADD CONSTRAINT cluster_defect CHECK (defect IN ('NONE', 'PROPOSED', 'ACCEPTED', 'DISMISSED'));
-- The fold of merged clusters and those without a case is not listed.
CREATE INDEX cluster_newest ON cluster (site, newest_time DESC, id DESC) WHERE merged_into IS NULL AND cases > 0;
CREATE INDEX cluster_newest_of_all ON cluster (newest_time DESC, id DESC) WHERE merged_into IS NULL AND cases > 0;

-- In how many complaining cases of a cluster a person occurs.
CREATE TABLE cluster_person (
  site    text NOT NULL,
  cluster uuid NOT NULL,
  token   text NOT NULL,
  cases   integer NOT NULL,
  CONSTRAINT cluster_person_key PRIMARY KEY (site, cluster, token)
);

ALTER TABLE case_file
  -- Keyed hashes of the building, and of building and unit; NULL where nobody said.
  ADD COLUMN building     bigint,
  ADD COLUMN unit         bigint,
  -- Who said that the case belongs to its cluster, and when: it is not moved out of it any more.
  ADD COLUMN confirmer    text,
  ADD COLUMN confirm_time timestamptz,
  -- Whether the suggestion comes from corrections, and the category that the rules of the order gave.
  ADD COLUMN category_learned boolean NOT NULL DEFAULT false,
  ADD COLUMN rule_category    text,
  ADD CONSTRAINT case_file_confirmed CHECK ((confirmer IS NULL) = (confirm_time IS NULL));
CREATE INDEX case_file_grades ON case_file (site, cluster, grade);

INSERT INTO cluster_person (site, cluster, token, cases)
SELECT site, cluster, token, count(*)
FROM (SELECT DISTINCT site, cluster, id, unnest(person_tokens) AS token FROM case_file
      WHERE status NOT IN ('WITHDRAWN', 'REJECTED')) AS named
GROUP BY site, cluster, token;
UPDATE cluster k SET
  cases = c.cases, newest_time = c.newest, unnamed = c.unnamed,
  persons = (SELECT count(*) FROM cluster_person p WHERE p.site = k.site AND p.cluster = k.id)
FROM (SELECT site, cluster, count(*) AS cases, max(received_time) AS newest,
             coalesce(max(greatest(headcount - cardinality(person_tokens), 0))
               FILTER (WHERE status NOT IN ('WITHDRAWN', 'REJECTED')), 0) AS unnamed
      FROM case_file GROUP BY site, cluster) c
WHERE c.site = k.site AND c.cluster = k.id;

ALTER TABLE case_term FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file FORCE ROW LEVEL SECURITY;
ALTER TABLE cluster FORCE ROW LEVEL SECURITY;

-- Clusters whose cases wait to be decided again, in batches by id. No foreign key: it is work, not a fact.
CREATE TABLE cluster_regrade (
  site        text NOT NULL,
  cluster     uuid NOT NULL,
  -- Cases up to this id are done.
  after_case  uuid NOT NULL,
  -- Fences two workers: a batch counts only while nobody else finished it or began anew.
  generation  bigint NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT cluster_regrade_key PRIMARY KEY (site, cluster)
);
CREATE INDEX cluster_regrade_oldest ON cluster_regrade (create_time);

-- What people did to clusters. Rows are only added.
CREATE TABLE cluster_act (
  site     text NOT NULL,
  cluster  uuid NOT NULL,
  sequence bigint NOT NULL,
  act      text NOT NULL,
  actor    text NOT NULL,
  reason   text NOT NULL,
  -- The cluster on the other side of a merge or split.
  other    uuid,
  cases    uuid[] NOT NULL,
  act_time timestamptz NOT NULL,
  CONSTRAINT cluster_act_key PRIMARY KEY (site, cluster, sequence)
);

-- A correction of a category that a case taught, to be taken back with it.
CREATE TABLE lesson (
  site         text NOT NULL,
  case_id      uuid NOT NULL,
  organization text NOT NULL,
  category     text NOT NULL,
  -- What had been suggested; NULL where nothing was.
  instead_of   text,
  CONSTRAINT lesson_key PRIMARY KEY (site, case_id)
);
-- How many corrections of an organization led to a category, from each suggestion ('' for none).
CREATE TABLE lesson_count (
  organization text NOT NULL,
  category     text NOT NULL,
  instead_of   text NOT NULL,
  cases        bigint NOT NULL,
  CONSTRAINT lesson_count_key PRIMARY KEY (organization, category, instead_of)
);
-- In how many of them a word occurred: keyed hashes, as everywhere here.
CREATE TABLE lesson_word (
  organization text NOT NULL,
  term         bigint NOT NULL,
  category     text NOT NULL,
  cases        bigint NOT NULL,
  CONSTRAINT lesson_word_key PRIMARY KEY (organization, term, category)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['case_words', 'cluster_person', 'cluster_regrade', 'cluster_act', 'lesson'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['cluster_person', 'cluster_regrade', 'lesson'] LOOP
    EXECUTE format('GRANT UPDATE, DELETE ON %I TO %I', name, app);
  END LOOP;
  -- What an organization taught is read and added to from its own sites alone.
  FOREACH name IN ARRAY ARRAY['lesson_count', 'lesson_word'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (organization IN (SELECT s.organization FROM site s))', name, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
  END LOOP;
  -- Thousands of rows of one site are read to find the likest: the scope is read once a query, not once a row.
  DROP POLICY app ON case_term;
  EXECUTE format('CREATE POLICY app ON case_term TO %I
    USING (site = ANY ((SELECT NULLIF(current_setting(''redress.sites'', true), '''')::text[])::text[]))', app);
  -- The worker finds what waits and nothing else.
  EXECUTE format('GRANT SELECT ON cluster_regrade TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON cluster_regrade FOR SELECT TO %I USING (true)', worker);
END
$$;
