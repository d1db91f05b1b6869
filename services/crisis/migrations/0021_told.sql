-- What was told to whom, in which stage: statements, reports, briefings, contacts. Rows are only added.
CREATE TABLE incident_told (
  site      text NOT NULL,
  id        bigint GENERATED ALWAYS AS IDENTITY,
  incident  uuid NOT NULL,
  audience  text NOT NULL,
  stage     text NOT NULL,
  means     text NOT NULL,
  -- The statement's name, or where the text lies; empty where it lies nowhere.
  reference text NOT NULL,
  told_time timestamptz NOT NULL,
  CONSTRAINT incident_told_key PRIMARY KEY (site, id),
  CONSTRAINT incident_told_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);
CREATE INDEX incident_told_of ON incident_told (site, incident, id);

-- What left before there was this table. Row security holds for the owner too, who acts for no site: without this the
-- rows would not be there.
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement_version NO FORCE ROW LEVEL SECURITY;
INSERT INTO incident_told (site, incident, audience, stage, means, reference, told_time)
SELECT s.site, s.incident, v.audience, s.stage, 'STATEMENT', 'sites/' || s.site || '/statements/' || s.id, s.publish_time
FROM statement s JOIN statement_version v ON v.site = s.site AND v.statement = s.id AND v.number = s.version
WHERE s.publish_time IS NOT NULL ORDER BY s.publish_time;
ALTER TABLE statement FORCE ROW LEVEL SECURITY;
ALTER TABLE statement_version FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE incident_told ENABLE ROW LEVEL SECURITY;
  ALTER TABLE incident_told FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON incident_told TO %I', app);
  EXECUTE format('CREATE POLICY app ON incident_told TO %I USING (redress_in_scope(site))', app);
END
$$;
