-- Which incident changed, in commit order: what watches read. A reader takes rows below
-- pg_snapshot_xmin, so that a transaction that commits late is not skipped.
CREATE TABLE incident_change (
  site        text NOT NULL,
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id          bigint GENERATED ALWAYS AS IDENTITY,
  incident    uuid NOT NULL,
  change_time timestamptz NOT NULL,
  CONSTRAINT incident_change_key PRIMARY KEY (site, id)
);
CREATE INDEX incident_change_order ON incident_change (site, incident, xid, id);
-- For the purge.
CREATE INDEX incident_change_time ON incident_change (change_time);

-- Everything up to here was purged; a watch that would go on below it has to start again. One row.
CREATE TABLE incident_change_floor (
  only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT incident_change_floor_one CHECK (only_row),
  xid      xid8 NOT NULL,
  id       bigint NOT NULL
);
INSERT INTO incident_change_floor (xid, id) VALUES ('0', 0);

ALTER TABLE incident_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE incident_change FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT ON incident_change TO %I', app);
  EXECUTE format('CREATE POLICY app ON incident_change TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT ON incident_change_floor TO %I', app);
  -- The worker purges by age; it reads no incident.
  EXECUTE format('GRANT SELECT (site, xid, id, change_time), DELETE ON incident_change TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON incident_change TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT, UPDATE ON incident_change_floor TO %I', worker);
END
$$;
