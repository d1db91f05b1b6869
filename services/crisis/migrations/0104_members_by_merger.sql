-- Cases that 0102 did not find: one that came with a merger left no entry of its joining where it came to, and in public mode no promise either.
-- Where it went elsewhere before 0102, only the later entries of the log name it, and whoever it accuses found the incident whose log tells of it.

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE incident_case NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_log NO FORCE ROW LEVEL SECURITY;

INSERT INTO incident_case (site, incident, case_id, join_time, join_number, leave_time)
SELECT t.site, t.incident, t.case_id,
       -- A merger takes along when a case joined.
       least(t.since, (
         SELECT min(m.join_time) FROM incident_case m
         JOIN incident b ON b.site = m.site AND b.id = m.incident
         WHERE m.site = t.site AND m.case_id = t.case_id AND b.merged_into = t.incident)),
       row_number() OVER (PARTITION BY t.site, t.incident ORDER BY t.since, t.case_id),
       CASE WHEN t.gone IS NOT NULL THEN t.gone WHEN i.state <> 'STOOD_DOWN' THEN i.update_time END
FROM (
  SELECT l.site, l.incident, c.id AS case_id, min(l.log_time) AS since, max(l.log_time) FILTER (WHERE l.kind = 'CASE_LEFT') AS gone
  FROM incident_log l
  -- "case N joins …", "… comes from …", "… leaves for …", "… is now grade …", "… was ended …"; "no longer provisional by case N".
  JOIN case_file c ON c.site = l.site AND c.number = substring(l.text FROM '^(?:no longer provisional by )?case ([^ ]+)')
  WHERE l.kind IN ('CASE_JOINED', 'CASE_LEFT', 'CASE_CHANGED') AND c.number <> ''
  GROUP BY l.site, l.incident, c.id) t
JOIN incident i ON i.site = t.site AND i.id = t.incident
ON CONFLICT DO NOTHING;

ALTER TABLE incident_log FORCE ROW LEVEL SECURITY;
ALTER TABLE incident FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_case FORCE ROW LEVEL SECURITY;
