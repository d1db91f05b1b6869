-- What is held for the spokesperson of an incident, and what became of it, as notification says (decision 62). A message that the end of an incident
-- let go and another one holds is held anew: a row of its own. Rows stay.
CREATE TABLE incident_held (
  site        text NOT NULL,
  -- Notification's message.
  message     uuid NOT NULL,
  hold_time   timestamptz NOT NULL,
  incident    uuid NOT NULL,
  -- NULL where it is of no case.
  case_id     uuid,
  -- What it says, by the key of its template, for example `case.message`.
  template    text NOT NULL,
  -- By when it is to be decided.
  due_time    timestamptz NOT NULL,
  -- Empty while it waits; RELEASED or DROPPED.
  decision    text NOT NULL,
  -- Token subject; empty where the end of the incident let it go.
  decided_by  text NOT NULL,
  reason      text NOT NULL,
  -- When it came to be so: news repeat and come in any order.
  change_time timestamptz NOT NULL,
  CONSTRAINT incident_held_key PRIMARY KEY (site, message, hold_time),
  CONSTRAINT incident_held_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);
CREATE INDEX incident_held_of_incident ON incident_held (site, incident, hold_time);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE incident_held ENABLE ROW LEVEL SECURITY;
  ALTER TABLE incident_held FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON incident_held TO %I', app);
  EXECUTE format('GRANT UPDATE (incident, due_time, decision, decided_by, reason, change_time) ON incident_held TO %I', app);
  EXECUTE format('CREATE POLICY app ON incident_held TO %I USING (redress_in_scope(site))', app);
END
$$;
