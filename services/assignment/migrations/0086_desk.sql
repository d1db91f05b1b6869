-- What became of the desk's first decision on a case (M06), for the meeting that audits it. NULL where that decision was told
-- to a release that did not follow it: such a case counts for neither side.
ALTER TABLE case_fact
  -- Its category was corrected later.
  ADD COLUMN rerouted           boolean,
  -- It was graded graver later, by what was said of the case itself.
  ADD COLUMN regraded           boolean,
  -- What the desk's counts hold of it, apart from the other counts: a release before this one changes those alone, and what it
  -- does not know must come out of the counts as it went in. NULL: nothing.
  ADD COLUMN counted_desk_month integer,
  ADD COLUMN counted_desk       text;

CREATE OR REPLACE VIEW case_count WITH (security_invoker = true) AS
SELECT f.site, f.case_id,
       (extract(year FROM r.local) * 12 + extract(month FROM r.local) - 1)::integer AS month,
       f.historical,
       ARRAY['', coalesce(f.category, ''), CASE WHEN f.cause <> '' THEN f.cause ELSE f.root_cause END, f.source,
             coalesce(f.grade::text, ''), f.channel, coalesce(f.department, ''),
             coalesce((width_bucket(extract(epoch FROM f.answer_time - f.received_time)::float8 / 60,
               ARRAY[5, 15, 30, 60, 120, 240, 480, 1440, 2880, 4320, 7200, 10080, 14400, 21600, 43200, 86400]::float8[])
               - 3)::text, ''),
             coalesce((width_bucket(extract(epoch FROM f.resolve_time - f.received_time)::float8 / 60,
               ARRAY[5, 15, 30, 60, 120, 240, 480, 1440, 2880, 4320, 7200, 10080, 14400, 21600, 43200, 86400]::float8[])
               - 3)::text, '')] AS values,
       (f.resolve_time IS NOT NULL)::integer AS resolved,
       coalesce(f.survey_score, 0)::integer AS score,
       (SELECT count(*) FROM clock_fact c
        WHERE c.site = f.site AND c.case_id = f.case_id AND c.met AND NOT c.late)::integer AS on_time,
       (SELECT count(*) FROM clock_fact c
        WHERE c.site = f.site AND c.case_id = f.case_id AND c.late)::integer AS late,
       -- NULL where nothing is followed; the desk did not accept imported history.
       CASE WHEN f.historical OR f.rerouted IS NULL OR f.regraded IS NULL THEN NULL
            WHEN f.rerouted AND f.regraded THEN 'BOTH'
            WHEN f.rerouted THEN 'REROUTED'
            WHEN f.regraded THEN 'REGRADED'
            ELSE 'KEPT' END AS desk
FROM case_fact f LEFT JOIN place p ON p.site = f.site
CROSS JOIN LATERAL (SELECT f.received_time AT TIME ZONE coalesce(p.time_zone, 'Asia/Shanghai')) AS r (local)
WHERE f.facts_revision IS NOT NULL AND NOT f.merged;
