-- The work on cases: who is responsible, whom it is offered to, how far it is, and every step on the way.

CREATE TABLE work (
  site               text NOT NULL,
  case_id            uuid NOT NULL,
  -- What intake says.
  number             text NOT NULL,
  language           text NOT NULL,
  received_time      timestamptz NOT NULL,
  -- As stated; may name nobody that is known here.
  first_contact      text,
  excluded           text[] NOT NULL,
  facts_status       text NOT NULL,
  facts_epoch        bigint NOT NULL,
  facts_revision     bigint NOT NULL,
  -- What triage decided; NULL until graded.
  decision_revision  bigint,
  decision_epoch     bigint,
  category           text,
  grade              smallint,
  urgency            text,
  -- What became of it here.
  status             text NOT NULL,
  epoch              bigint NOT NULL,
  -- NULL only while nobody of the site may handle the case.
  responsible        text,
  offered_to         text,
  department         text,
  explanation        text[] NOT NULL,
  assign_time        timestamptz,
  accept_time        timestamptz,
  resolve_time       timestamptz,
  resolution_summary text,
  root_cause         text,
  create_time        timestamptz NOT NULL,
  update_time        timestamptz NOT NULL,
  revision           bigint NOT NULL,
  CONSTRAINT work_key PRIMARY KEY (site, case_id),
  CONSTRAINT work_responsible FOREIGN KEY (site, responsible) REFERENCES staff (site, id),
  CONSTRAINT work_offered_to FOREIGN KEY (site, offered_to) REFERENCES staff (site, id),
  CONSTRAINT work_department FOREIGN KEY (site, department) REFERENCES department (site, id),
  CONSTRAINT work_decision CHECK ((decision_revision IS NULL) = (grade IS NULL)
                              AND (decision_revision IS NULL) = (decision_epoch IS NULL)),
  CONSTRAINT work_resolution CHECK ((resolution_summary IS NULL) = (root_cause IS NULL))
);
CREATE INDEX work_newest ON work (create_time DESC, case_id DESC);
CREATE INDEX work_site_newest ON work (site, create_time DESC, case_id DESC);
-- What a person holds: hand-over, and lists of one person.
CREATE INDEX work_of_responsible ON work (site, responsible, create_time DESC, case_id DESC);
CREATE INDEX work_of_offered ON work (site, offered_to) WHERE offered_to IS NOT NULL;

-- Every step of the work. Rows are only added.
CREATE TABLE work_step (
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  sequence    bigint NOT NULL,
  kind        text NOT NULL,
  status      text NOT NULL,
  step_time   timestamptz NOT NULL,
  -- A token subject or a service.
  actor       text NOT NULL,
  responsible text,
  offered_to  text,
  text        text NOT NULL,
  CONSTRAINT work_step_key PRIMARY KEY (site, case_id, sequence),
  CONSTRAINT work_step_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['work', 'work_step'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON work TO %I', app);
END
$$;
