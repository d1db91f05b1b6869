-- What analysis counts. Each event changes the one row of its case and marks it; a job then takes what the case
-- contributed last out of the counts and puts in what it contributes now, so that nothing is counted twice whatever is
-- delivered again or in another order, and no two events of different cases ever wait for one count.

-- What analysis and the ledger know of a site; the directory itself is intake's.
CREATE TABLE place (
  site      text NOT NULL CONSTRAINT place_key PRIMARY KEY,
  kind      text NOT NULL,
  time_zone text NOT NULL,
  revision  bigint NOT NULL
);

CREATE TABLE case_fact (
  site               text NOT NULL,
  case_id            uuid NOT NULL,
  -- What intake says; NULL until it said it. Other news may come first.
  facts_revision     bigint,
  received_time      timestamptz,
  channel            text,
  historical         boolean,
  merged             boolean,
  -- What triage decided.
  decision_revision  bigint,
  category           text,
  grade              smallint,
  -- What became of it here; NULL where the work is not resolved.
  department         text,
  resolve_time       timestamptz,
  root_cause         text NOT NULL DEFAULT '',
  -- What a person classified.
  cause              text NOT NULL DEFAULT '',
  source             text NOT NULL DEFAULT '',
  -- The first substantive answer.
  answer_time        timestamptz,
  -- The newest survey, 1 to 5.
  survey_time        timestamptz,
  survey_score       smallint,
  -- What the counts hold of it; NULL month: nothing.
  counted_month      integer,
  counted_historical boolean,
  counted_values     text[],
  counted_resolved   integer,
  counted_score      integer,
  counted_on_time    integer,
  counted_late       integer,
  -- Changed since it was counted.
  dirty              boolean NOT NULL,
  CONSTRAINT case_fact_key PRIMARY KEY (site, case_id)
);
CREATE INDEX case_fact_dirty ON case_fact (site, case_id) WHERE dirty;

-- How a promise on a case ended. Whoever changes one holds the row of its case.
CREATE TABLE clock_fact (
  site       text NOT NULL,
  case_id    uuid NOT NULL,
  clock      uuid NOT NULL,
  kind       text NOT NULL,
  generation bigint NOT NULL,
  met        boolean NOT NULL,
  -- A breach stays a breach.
  late       boolean NOT NULL,
  -- As in the counts: 0 not at all, 1 on time, 2 late.
  counted    smallint NOT NULL DEFAULT 0,
  CONSTRAINT clock_fact_key PRIMARY KEY (site, case_id, clock)
);

-- The counts: for each two dimensions the groups of a month. Two suffice for what is asked, and keep a year of a
-- million cases a few hundred groups a site and month; the cube of all would be as large as the cases.
CREATE TABLE tally (
  site       text NOT NULL,
  -- Number of the two dimensions, see domain::report.
  pair       smallint NOT NULL,
  -- 12 × the year + the month from 0, in the site's zone.
  month      integer NOT NULL,
  historical boolean NOT NULL,
  a          text NOT NULL,
  b          text NOT NULL,
  cases      bigint NOT NULL,
  resolved   bigint NOT NULL,
  on_time    bigint NOT NULL,
  late       bigint NOT NULL,
  surveys    bigint NOT NULL,
  score      bigint NOT NULL,
  CONSTRAINT tally_key PRIMARY KEY (site, pair, month, historical, a, b),
  CONSTRAINT tally_not_negative CHECK (least(cases, resolved, on_time, late, surveys, score) >= 0)
);

-- What a case contributes now, in the order of domain::report: total, category, cause, source, grade, channel,
-- department, time to the answer, time to the resolution (steps of the scale).
CREATE VIEW case_count WITH (security_invoker = true) AS
SELECT f.site, f.case_id,
       (extract(year FROM r.local) * 12 + extract(month FROM r.local) - 1)::integer AS month,
       f.historical,
       ARRAY['', coalesce(f.category, ''), CASE WHEN f.cause <> '' THEN f.cause ELSE f.root_cause END, f.source,
             coalesce(f.grade::text, ''), f.channel, coalesce(f.department, ''),
             coalesce(width_bucket(extract(epoch FROM f.answer_time - f.received_time)::float8 / 3600,
               ARRAY[1, 2, 4, 8, 24, 48, 72, 120, 168, 240, 360, 720, 1440]::float8[])::text, ''),
             coalesce(width_bucket(extract(epoch FROM f.resolve_time - f.received_time)::float8 / 3600,
               ARRAY[1, 2, 4, 8, 24, 48, 72, 120, 168, 240, 360, 720, 1440]::float8[])::text, '')] AS values,
       (f.resolve_time IS NOT NULL)::integer AS resolved,
       coalesce(f.survey_score, 0)::integer AS score,
       (SELECT count(*) FROM clock_fact c
        WHERE c.site = f.site AND c.case_id = f.case_id AND c.met AND NOT c.late)::integer AS on_time,
       (SELECT count(*) FROM clock_fact c
        WHERE c.site = f.site AND c.case_id = f.case_id AND c.late)::integer AS late
FROM case_fact f LEFT JOIN place p ON p.site = f.site
CROSS JOIN LATERAL (SELECT f.received_time AT TIME ZONE coalesce(p.time_zone, 'Asia/Shanghai')) AS r (local)
WHERE f.facts_revision IS NOT NULL AND NOT f.merged;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['place', 'case_fact', 'clock_fact', 'tally'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT SELECT ON case_count TO %I', app);
  -- Finds sites with something to count, and nothing else of them.
  EXECUTE format('GRANT SELECT (site, dirty) ON case_fact TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON case_fact FOR SELECT TO %I USING (true)', worker);
END
$$;
