-- Steps below an hour: a first answer may be promised within 15 minutes, so an hour tells nothing of it. The numbers of the
-- steps from an hour on stay what they were; the shorter ones lie below 0.
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
        WHERE c.site = f.site AND c.case_id = f.case_id AND c.late)::integer AS late
FROM case_fact f LEFT JOIN place p ON p.site = f.site
CROSS JOIN LATERAL (SELECT f.received_time AT TIME ZONE coalesce(p.time_zone, 'Asia/Shanghai')) AS r (local)
WHERE f.facts_revision IS NOT NULL AND NOT f.merged;

-- What was counted within the hour is counted again.
UPDATE case_fact SET dirty = true WHERE counted_values[8] = '0' OR counted_values[9] = '0';
