-- Solutions: their terms, who reviewed them, what complainants said, and what each level may decide at a site.

CREATE TABLE solution (
  site             text NOT NULL,
  id               uuid NOT NULL,
  case_id          uuid NOT NULL,
  -- Intake's epoch in which it was proposed.
  epoch            bigint NOT NULL,
  summary          text NOT NULL,
  root_cause       text NOT NULL,
  basis            text NOT NULL,
  citation         text NOT NULL,
  liability_ground text NOT NULL,
  reference        text NOT NULL,
  no_clause_reason text NOT NULL,
  partner          text NOT NULL,
  recourse         text NOT NULL,
  -- The final offer; all NULL where it is none.
  offer_ceiling    numeric(18, 2),
  offer_expires    timestamptz,
  offer_text       text,
  -- What the remedies cost together.
  total            numeric(18, 2) NOT NULL,
  -- SHA-256 of the terms.
  digest           bytea NOT NULL,
  author           text NOT NULL,
  state            text NOT NULL,
  required_level   text NOT NULL,
  tell_time        timestamptz,
  answer           text,
  answer_time      timestamptz,
  create_time      timestamptz NOT NULL,
  update_time      timestamptz NOT NULL,
  revision         bigint NOT NULL,
  CONSTRAINT solution_key PRIMARY KEY (site, id),
  CONSTRAINT solution_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT solution_offer CHECK ((offer_ceiling IS NULL) = (offer_expires IS NULL)
                               AND (offer_ceiling IS NULL) = (offer_text IS NULL)),
  CONSTRAINT solution_answer CHECK ((answer IS NULL) = (answer_time IS NULL))
);
CREATE INDEX solution_newest ON solution (create_time DESC, id DESC);
CREATE INDEX solution_of_case ON solution (site, case_id, create_time DESC, id DESC);
CREATE INDEX solution_awaiting ON solution (site, required_level, create_time DESC) WHERE state = 'AWAITING_APPROVAL';

-- Replaced whole with the terms.
CREATE TABLE solution_remedy (
  site          text NOT NULL,
  solution      uuid NOT NULL,
  position      integer NOT NULL,
  kind          text NOT NULL,
  text          text NOT NULL,
  amount        numeric(18, 2) NOT NULL,
  department    text,
  outside_party text NOT NULL,
  CONSTRAINT solution_remedy_key PRIMARY KEY (site, solution, position),
  CONSTRAINT solution_remedy_solution FOREIGN KEY (site, solution) REFERENCES solution (site, id),
  CONSTRAINT solution_remedy_department FOREIGN KEY (site, department) REFERENCES department (site, id)
);

-- Replaced whole with the terms; only when a step was done is added.
CREATE TABLE solution_step (
  site          text NOT NULL,
  solution      uuid NOT NULL,
  position      integer NOT NULL,
  text          text NOT NULL,
  owner         text,
  outside_party text NOT NULL,
  -- Exact or conditional, never vague.
  due_time      timestamptz,
  condition     text,
  done_time     timestamptz,
  CONSTRAINT solution_step_key PRIMARY KEY (site, solution, position),
  CONSTRAINT solution_step_solution FOREIGN KEY (site, solution) REFERENCES solution (site, id),
  CONSTRAINT solution_step_owner FOREIGN KEY (site, owner) REFERENCES staff (site, id),
  CONSTRAINT solution_step_exact_or_conditional CHECK ((due_time IS NULL) <> (condition IS NULL))
);

-- What was said of a solution, and of which terms. Rows are only added.
CREATE TABLE solution_review (
  site        text NOT NULL,
  solution    uuid NOT NULL,
  sequence    integer NOT NULL,
  approved    boolean NOT NULL,
  level       text NOT NULL,
  reviewer    text NOT NULL,
  reason      text NOT NULL,
  digest      bytea NOT NULL,
  review_time timestamptz NOT NULL,
  CONSTRAINT solution_review_key PRIMARY KEY (site, solution, sequence),
  CONSTRAINT solution_review_solution FOREIGN KEY (site, solution) REFERENCES solution (site, id)
);

-- What a level may decide at a site, where it differs from the default.
CREATE TABLE authority_limit (
  site   text NOT NULL,
  level  text NOT NULL,
  amount numeric(18, 2) NOT NULL,
  CONSTRAINT authority_limit_key PRIMARY KEY (site, level),
  CONSTRAINT authority_limit_site FOREIGN KEY (site) REFERENCES site (site)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['solution', 'solution_remedy', 'solution_step', 'solution_review', 'authority_limit'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['solution', 'authority_limit'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (done_time) ON solution_step TO %I', app);
  FOREACH name IN ARRAY ARRAY['solution_remedy', 'solution_step'] LOOP
    EXECUTE format('GRANT DELETE ON %I TO %I', name, app);
  END LOOP;
END
$$;
