-- What is done with the people of a case: said back, visited, asked afterwards; and how the case ended.

ALTER TABLE work
  -- Token subject of who resolved it last.
  ADD COLUMN resolver              text,
  -- What was understood, said back last.
  ADD COLUMN restatement           text,
  ADD COLUMN restatement_confirmed boolean NOT NULL DEFAULT false,
  ADD COLUMN restate_time          timestamptz,
  -- How it ended for both sides; NULL while it is not closed.
  ADD COLUMN ending                text,
  ADD COLUMN close_time            timestamptz,
  ADD CONSTRAINT work_restatement CHECK ((restatement IS NULL) = (restate_time IS NULL)),
  ADD CONSTRAINT work_ending CHECK ((ending IS NULL) = (close_time IS NULL));

-- Visits, planned and made. What was made stays as it was recorded.
CREATE TABLE visit (
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  id          uuid NOT NULL,
  purpose     text NOT NULL,
  -- NULL where nobody is named yet.
  staff       text,
  plan_time   timestamptz,
  make_time   timestamptz,
  findings    text NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT visit_key PRIMARY KEY (site, case_id, id),
  CONSTRAINT visit_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT visit_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id),
  CONSTRAINT visit_planned_or_made CHECK (plan_time IS NOT NULL OR make_time IS NOT NULL)
);

-- What complainants said after a resolution. Rows are only added.
CREATE TABLE follow_up (
  site         text NOT NULL,
  case_id      uuid NOT NULL,
  id           uuid NOT NULL,
  satisfaction text NOT NULL,
  -- The company's last word stands though they are dissatisfied.
  last_word    boolean NOT NULL,
  note         text NOT NULL,
  -- A token subject, or the service whose survey was answered.
  actor        text NOT NULL,
  follow_time  timestamptz NOT NULL,
  CONSTRAINT follow_up_key PRIMARY KEY (site, case_id, id),
  CONSTRAINT follow_up_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['visit', 'follow_up'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (staff, make_time, findings) ON visit TO %I', app);
END
$$;
