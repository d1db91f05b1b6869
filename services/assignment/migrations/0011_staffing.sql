-- Hand-overs that wait for acceptance, loans between departments, what routing demands, who was summoned, and which
-- departments help.

-- Open hand-overs alone; what became of one is a step of the work. Who receives it is the work's `offered_to`.
CREATE TABLE handover (
  site     text NOT NULL,
  case_id  uuid NOT NULL,
  due_time timestamptz NOT NULL,
  CONSTRAINT handover_key PRIMARY KEY (site, case_id),
  CONSTRAINT handover_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);
CREATE INDEX handover_due ON handover (due_time);

-- Fairness looks at the offers of the last days.
CREATE INDEX work_step_offers ON work_step (site, step_time) WHERE kind = 'OFFERED';

CREATE TABLE loan (
  site       text NOT NULL,
  id         uuid NOT NULL,
  staff      text NOT NULL,
  department text NOT NULL,
  start_time timestamptz NOT NULL,
  end_time   timestamptz NOT NULL,
  CONSTRAINT loan_key PRIMARY KEY (site, id),
  CONSTRAINT loan_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id),
  CONSTRAINT loan_department FOREIGN KEY (site, department) REFERENCES department (site, id),
  CONSTRAINT loan_forward CHECK (start_time <= end_time)
);
CREATE INDEX loan_latest ON loan (site, end_time DESC, id DESC);

-- One document that is set whole.
CREATE TABLE routing_rules (
  site     text NOT NULL CONSTRAINT routing_rules_key PRIMARY KEY,
  rules    jsonb NOT NULL,
  revision bigint NOT NULL,
  CONSTRAINT routing_rules_site FOREIGN KEY (site) REFERENCES site (site)
);

CREATE TABLE summons (
  site             text NOT NULL,
  id               uuid NOT NULL,
  case_id          uuid NOT NULL,
  staff            text NOT NULL,
  position         text NOT NULL,
  complainants     integer NOT NULL,
  summon_time      timestamptz NOT NULL,
  told_count       integer NOT NULL,
  acknowledge_time timestamptz,
  -- When the person is told again; NULL once acknowledged, told often enough, or the case ended.
  tell_due         timestamptz,
  CONSTRAINT summons_key PRIMARY KEY (site, id),
  -- Nobody is summoned twice to one case.
  CONSTRAINT summons_once UNIQUE (site, case_id, staff),
  CONSTRAINT summons_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT summons_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);
CREATE INDEX summons_newest ON summons (site, summon_time DESC, id DESC);
CREATE INDEX summons_due ON summons (tell_due) WHERE tell_due IS NOT NULL;

CREATE TABLE support (
  site        text NOT NULL,
  id          uuid NOT NULL,
  case_id     uuid NOT NULL,
  department  text NOT NULL,
  staff       text NOT NULL,
  task        text NOT NULL,
  state       text NOT NULL,
  create_time timestamptz NOT NULL,
  due_time    timestamptz NOT NULL,
  end_time    timestamptz,
  CONSTRAINT support_key PRIMARY KEY (site, id),
  CONSTRAINT support_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT support_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id),
  CONSTRAINT support_department FOREIGN KEY (site, department) REFERENCES department (site, id)
);
CREATE INDEX support_of_case ON support (site, case_id, id DESC);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['handover', 'loan', 'routing_rules', 'summons', 'support'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT DELETE ON handover TO %I', app);
  -- Finds what is due, and nothing else of it.
  EXECUTE format('GRANT SELECT (site, case_id, due_time) ON handover TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON handover FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (site, id, tell_due) ON summons TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON summons FOR SELECT TO %I USING (true)', worker);
END
$$;
