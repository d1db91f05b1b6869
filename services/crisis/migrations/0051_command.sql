-- Who commands, handed over with acceptance; cases that were split off; incidents under one command.

-- Offers to take a role over. A role stays with its holder until the other accepts.
CREATE TABLE incident_handover (
  site          text NOT NULL,
  incident      uuid NOT NULL,
  -- From 1 within the incident.
  number        bigint NOT NULL,
  role          text NOT NULL,
  -- Who held it then; NULL while nobody did.
  from_staff    text,
  to_staff      text NOT NULL,
  reason        text NOT NULL,
  state         text NOT NULL CONSTRAINT incident_handover_state CHECK (state IN ('OFFERED', 'ACCEPTED', 'DECLINED', 'REPLACED')),
  -- Subject of a token.
  offered_by    text NOT NULL,
  offer_time    timestamptz NOT NULL,
  -- Accepted before here, or not at all.
  expire_time   timestamptz NOT NULL,
  answer_time   timestamptz,
  answer_reason text NOT NULL,
  CONSTRAINT incident_handover_key PRIMARY KEY (site, incident, number),
  CONSTRAINT incident_handover_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT incident_handover_answered CHECK ((state = 'OFFERED') = (answer_time IS NULL))
);
CREATE UNIQUE INDEX incident_handover_open ON incident_handover (site, incident, role) WHERE state = 'OFFERED';

-- Split off into no incident: only another rise to grade 1 joins one again.
ALTER TABLE case_file ADD COLUMN parted boolean NOT NULL DEFAULT false;

-- Incidents of several sites under one command. Each site has its side of a link, so that row security shows each
-- caller what its sites allow.
CREATE TABLE incident_link (
  site           text NOT NULL,
  incident       uuid NOT NULL,
  other_site     text NOT NULL,
  other_incident uuid NOT NULL,
  -- Whether this side's incident leads.
  leads          boolean NOT NULL,
  reason         text NOT NULL,
  actor          text NOT NULL,
  link_time      timestamptz NOT NULL,
  CONSTRAINT incident_link_key PRIMARY KEY (site, incident, other_site, other_incident),
  CONSTRAINT incident_link_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);
-- One command: an incident is led by one other at most.
CREATE UNIQUE INDEX incident_link_led ON incident_link (site, incident) WHERE NOT leads;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['incident_handover', 'incident_link'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (state, answer_time, answer_reason) ON incident_handover TO %I', app);
  -- A link that ends stays in the logs of both.
  EXECUTE format('GRANT DELETE ON incident_link TO %I', app);
END
$$;
