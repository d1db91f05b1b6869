-- Which cases an incident has and had. `case_file.incident` tells of now alone, and what it said before is forgotten when a case leaves: whoever a
-- case accuses that was taken out found its number in the log, and an incident that had ended lost the cases that rose again since.
CREATE TABLE incident_case (
  site        text NOT NULL,
  incident    uuid NOT NULL,
  case_id     uuid NOT NULL,
  -- As in case_file: of the last time, where it came back.
  join_time   timestamptz NOT NULL,
  join_number bigint NOT NULL,
  -- NULL while it belongs to it. One that was stood down keeps the cases that it had then, wherever they go afterwards.
  leave_time  timestamptz,
  CONSTRAINT incident_case_key PRIMARY KEY (site, incident, case_id),
  CONSTRAINT incident_case_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT incident_case_case FOREIGN KEY (site, case_id) REFERENCES case_file (site, id)
);
-- The incidents of a case.
CREATE INDEX incident_case_of_case ON incident_case (site, case_id);

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE incident_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE incident_case NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_clock NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_log NO FORCE ROW LEVEL SECURITY;

INSERT INTO incident_case (site, incident, case_id, join_time, join_number)
SELECT c.site, c.incident, c.id, c.join_time, c.join_number FROM case_file c
JOIN incident i ON i.site = c.site AND i.id = c.incident;

-- What went elsewhere left traces: the opening, the promises to its complainant, the log.
INSERT INTO incident_case (site, incident, case_id, join_time, join_number, leave_time)
SELECT t.site, t.incident, t.case_id, t.since, row_number() OVER (PARTITION BY t.site, t.incident ORDER BY t.since, t.case_id),
       CASE WHEN l.at IS NOT NULL THEN l.at WHEN i.state <> 'STOOD_DOWN' THEN i.update_time END
FROM (
  SELECT site, incident, case_id, min(since) AS since
  FROM (
    SELECT site, id AS incident, opened_case AS case_id, open_time AS since FROM incident
    UNION ALL
    SELECT site, incident, case_id, start_time FROM incident_clock WHERE case_id IS NOT NULL
    UNION ALL
    SELECT l.site, l.incident, c.id, l.log_time FROM incident_log l
    JOIN case_file c ON c.site = l.site AND c.number = split_part(l.text, ' ', 2)
    WHERE l.kind = 'CASE_JOINED' AND c.number <> '') trace
  GROUP BY site, incident, case_id) t
JOIN incident i ON i.site = t.site AND i.id = t.incident
JOIN case_file c ON c.site = t.site AND c.id = t.case_id
LEFT JOIN (
  SELECT site, incident, split_part(text, ' ', 2) AS number, max(log_time) AS at FROM incident_log WHERE kind = 'CASE_LEFT'
  GROUP BY 1, 2, 3) l ON l.site = t.site AND l.incident = t.incident AND l.number = c.number
ON CONFLICT DO NOTHING;

-- Whoever writes case_file, an older release too: so nothing forgets it.
CREATE FUNCTION keep_membership() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  -- Where the writer said when, the row has left by now. Of an incident that the writer may not see nothing can be told; what such a person may
  -- take a case out of has ended.
  UPDATE incident_case m SET leave_time = now()
  WHERE m.site = OLD.site AND m.incident = OLD.incident AND m.case_id = OLD.id AND m.leave_time IS NULL
    AND EXISTS (SELECT FROM incident i WHERE i.site = m.site AND i.id = m.incident AND i.state <> 'STOOD_DOWN');
  IF NEW.incident IS NOT NULL THEN
    INSERT INTO incident_case (site, incident, case_id, join_time, join_number)
    VALUES (NEW.site, NEW.incident, NEW.id, NEW.join_time, NEW.join_number)
    ON CONFLICT ON CONSTRAINT incident_case_key DO UPDATE
      SET join_time = EXCLUDED.join_time, join_number = EXCLUDED.join_number, leave_time = NULL;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER keep_membership AFTER UPDATE OF incident ON case_file
  FOR EACH ROW WHEN (OLD.incident IS DISTINCT FROM NEW.incident) EXECUTE FUNCTION keep_membership();

ALTER TABLE incident_log FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_clock FORCE ROW LEVEL SECURITY;
ALTER TABLE incident FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_case FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT ON incident_case TO %I', app);
  EXECUTE format('GRANT UPDATE (join_time, join_number, leave_time) ON incident_case TO %I', app);
  EXECUTE format('CREATE POLICY app ON incident_case TO %I USING (redress_in_scope(site))', app);
END
$$;
