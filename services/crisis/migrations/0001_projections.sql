-- What crisis knows of others, fed by their events. Each row may be made by whichever event arrives
-- first, and each producer's part carries that producer's revision, so that any interleaving ends in the
-- same rows (I3).

-- The directory, from intake.
CREATE TABLE site (
  site         text PRIMARY KEY,
  organization text NOT NULL,
  region       text NOT NULL,
  kind         text NOT NULL,
  -- IANA zone: weekly briefings and "by day" are read in it.
  time_zone    text NOT NULL,
  revision     bigint NOT NULL
);

-- Cases, from intake (facts, status) and triage (decision). No text, no person.
CREATE TABLE case_file (
  site          text NOT NULL,
  id            uuid NOT NULL,
  -- Empty until either producer named it.
  number        text NOT NULL DEFAULT '',
  -- Sticky: once historical, never an incident.
  historical    boolean NOT NULL DEFAULT false,
  -- Intake's part.
  -- Highest of intake's epochs seen, and whether intake ended the case in it (withdrawn, merged, archived).
  epoch         bigint NOT NULL DEFAULT 0,
  ended         boolean NOT NULL DEFAULT false,
  -- Triage's part.
  decision      bigint NOT NULL DEFAULT 0,
  cluster       uuid,
  grade         smallint CONSTRAINT case_file_grade CHECK (grade BETWEEN 1 AND 4),
  criteria      text[] NOT NULL DEFAULT '{}',
  complainants  integer NOT NULL DEFAULT 0,
  -- Our part.
  incident      uuid,
  join_time     timestamptz,
  -- Counts within the incident, so that cases are shown in the order in which they joined.
  join_number   bigint,
  CONSTRAINT case_file_key PRIMARY KEY (site, id),
  CONSTRAINT case_file_joined CHECK ((incident IS NULL) = (join_time IS NULL) AND (incident IS NULL) = (join_number IS NULL))
);
CREATE INDEX case_file_incident ON case_file (site, incident, join_number) WHERE incident IS NOT NULL;

-- Clusters that were merged whole into another, from triage. Events about different cases arrive in any
-- order, so a cluster's name is followed to the end before it is used.
CREATE TABLE cluster_alias (
  site         text NOT NULL,
  cluster      uuid NOT NULL,
  into_cluster uuid NOT NULL,
  CONSTRAINT cluster_alias_key PRIMARY KEY (site, cluster),
  CONSTRAINT cluster_alias_other CHECK (cluster <> into_cluster)
);

-- Outward contacts by a person, from intake and from leads themselves. `lead` is decided by the roster of
-- the time of the contact, which may become known later than the contact.
CREATE TABLE case_contact (
  site         text NOT NULL,
  case_id      uuid NOT NULL,
  contact      uuid NOT NULL,
  -- A person of the site; for a lead who told us directly the subject of the token.
  staff        text NOT NULL,
  contact_time timestamptz NOT NULL,
  lead         boolean NOT NULL,
  CONSTRAINT case_contact_key PRIMARY KEY (site, case_id, contact)
);

-- People, from assignment.
CREATE TABLE staff (
  site     text NOT NULL,
  id       text NOT NULL,
  retired  boolean NOT NULL,
  revision bigint NOT NULL,
  CONSTRAINT staff_key PRIMARY KEY (site, id)
);

-- Which roster is known, from assignment.
CREATE TABLE duty_roster (
  site     text PRIMARY KEY,
  revision bigint NOT NULL
);

-- Its stretches of duty; replaced whole.
CREATE TABLE duty_slot (
  site       text NOT NULL,
  role       text NOT NULL,
  staff      text NOT NULL,
  rank       integer NOT NULL,
  start_time timestamptz NOT NULL,
  -- NULL where open.
  end_time   timestamptz
);
CREATE INDEX duty_slot_site ON duty_slot (site, role);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site', 'case_file', 'cluster_alias', 'case_contact', 'staff', 'duty_roster', 'duty_slot'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  EXECUTE format('GRANT DELETE ON duty_slot TO %I', app);
END
$$;
