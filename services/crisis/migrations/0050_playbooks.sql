-- What an incident is run by, and what is done in its stages (domain.md section 9, M01).

-- What organizations make of playbooks. Rows are only added; the newest of a name holds for incidents that open.
CREATE TABLE playbook_revision (
  organization text NOT NULL,
  name         text NOT NULL,
  -- From 1 within the name.
  revision     integer NOT NULL,
  -- YAML as it was given.
  document     text NOT NULL,
  author       text NOT NULL,
  reason       text NOT NULL,
  create_time  timestamptz NOT NULL,
  CONSTRAINT playbook_revision_key PRIMARY KEY (organization, name, revision)
);

-- What an incident is run by: frozen at its opening, changed only visibly. Rows are only added; the newest holds.
CREATE TABLE incident_terms (
  site              text NOT NULL,
  incident          uuid NOT NULL,
  -- From 1.
  number            bigint NOT NULL,
  -- Section [service] of the configuration.
  settings          jsonb NOT NULL,
  playbook          jsonb NOT NULL,
  -- The organization's revision; 0 for one that the product ships.
  playbook_revision integer NOT NULL,
  -- Subject of a token; empty where it opened by itself.
  actor             text NOT NULL,
  reason            text NOT NULL,
  change_time       timestamptz NOT NULL,
  CONSTRAINT incident_terms_key PRIMARY KEY (site, incident, number),
  CONSTRAINT incident_terms_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);

-- Each time that a stage was entered. Only the last has no end.
CREATE TABLE incident_stage (
  site       text NOT NULL,
  incident   uuid NOT NULL,
  -- From 1: which visit.
  number     bigint NOT NULL,
  stage      text NOT NULL,
  reason     text NOT NULL,
  enter_time timestamptz NOT NULL,
  leave_time timestamptz,
  CONSTRAINT incident_stage_key PRIMARY KEY (site, incident, number),
  CONSTRAINT incident_stage_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);
CREATE UNIQUE INDEX incident_stage_now ON incident_stage (site, incident) WHERE leave_time IS NULL;

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
INSERT INTO incident_stage (site, incident, number, stage, reason, enter_time)
SELECT site, id, 1, stage, open_reason, open_time FROM incident WHERE state = 'OPEN';
ALTER TABLE incident FORCE ROW LEVEL SECURITY;

-- What is to be done in a stage. It belongs to the role: whoever holds that answers for it.
CREATE TABLE incident_task (
  site        text NOT NULL,
  id          uuid NOT NULL,
  incident    uuid NOT NULL,
  -- The visit of the stage.
  visit       bigint NOT NULL,
  stage       text NOT NULL,
  key         text NOT NULL,
  title_zh    text NOT NULL,
  title_en    text NOT NULL,
  owner       text NOT NULL,
  -- The stage may be left with it open.
  optional    boolean NOT NULL,
  state       text NOT NULL CONSTRAINT incident_task_state CHECK (state IN ('OPEN', 'DONE', 'SKIPPED')),
  start_time  timestamptz NOT NULL,
  due_time    timestamptz NOT NULL,
  end_time    timestamptz,
  -- Who ended it, why it was skipped, where the result lies; empty where none.
  actor       text NOT NULL,
  reason      text NOT NULL,
  reference   text NOT NULL,
  -- The incident whose review taught it; empty: nobody's.
  origin      text NOT NULL,
  CONSTRAINT incident_task_key PRIMARY KEY (site, id),
  CONSTRAINT incident_task_once UNIQUE (site, incident, visit, key),
  CONSTRAINT incident_task_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT incident_task_ended CHECK ((state = 'OPEN') = (end_time IS NULL)),
  CONSTRAINT incident_task_reason CHECK (state <> 'SKIPPED' OR reason <> '')
);

-- What a person says of an exit condition. Rows are only added; the last of a visit counts.
CREATE TABLE incident_condition (
  site      text NOT NULL,
  incident  uuid NOT NULL,
  number    bigint NOT NULL,
  visit     bigint NOT NULL,
  key       text NOT NULL,
  holds     boolean NOT NULL,
  actor     text NOT NULL,
  reason    text NOT NULL,
  say_time  timestamptz NOT NULL,
  CONSTRAINT incident_condition_key PRIMARY KEY (site, incident, number),
  CONSTRAINT incident_condition_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);

-- What was told, inside and outward. Rows are only added.
CREATE TABLE incident_update (
  site        text NOT NULL,
  incident    uuid NOT NULL,
  number      bigint NOT NULL,
  audience    text NOT NULL CONSTRAINT incident_update_audience CHECK (audience IN ('INSIDE', 'OUTWARD')),
  nothing_new boolean NOT NULL,
  reference   text NOT NULL,
  actor       text NOT NULL,
  update_time timestamptz NOT NULL,
  CONSTRAINT incident_update_key PRIMARY KEY (site, incident, number),
  CONSTRAINT incident_update_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['incident_terms', 'incident_stage', 'incident_task', 'incident_condition', 'incident_update'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (leave_time) ON incident_stage TO %I', app);
  EXECUTE format('GRANT UPDATE (state, end_time, actor, reason, reference) ON incident_task TO %I', app);

  ALTER TABLE playbook_revision ENABLE ROW LEVEL SECURITY;
  ALTER TABLE playbook_revision FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON playbook_revision TO %I', app);
  -- Read by whoever acts for the organization or for one of its sites, as every handler does. The table of places has
  -- row security of its own.
  EXECUTE format($policy$
    CREATE POLICY app_read ON playbook_revision FOR SELECT TO %I USING (
      redress_organization_in_scope(organization)
      OR EXISTS (SELECT FROM scope_site s WHERE s.organization = playbook_revision.organization))
  $policy$, app);
  -- Written only by who acts for all of it.
  EXECUTE format($policy$
    CREATE POLICY app_write ON playbook_revision FOR INSERT TO %I WITH CHECK (redress_organization_in_scope(organization))
  $policy$, app);
END
$$;
