-- Law and practice: units and their warranty, and matters (transfers, orders, disputes, settlements, the register).

-- A home or shop, with the dates from which its warranty counts.
CREATE TABLE unit (
  site              text NOT NULL,
  id                text NOT NULL,
  acceptance_date   date NOT NULL,
  -- NULL before handover.
  handover_date     date,
  design_life_years smallint NOT NULL,
  revision          bigint NOT NULL,
  CONSTRAINT unit_key PRIMARY KEY (site, id),
  CONSTRAINT unit_site FOREIGN KEY (site) REFERENCES site (site),
  CONSTRAINT unit_handover CHECK (handover_date >= acceptance_date)
);

-- What contracts give beyond the law; and, with unit '', what the site gives.
CREATE TABLE warranty_term (
  site         text NOT NULL,
  unit         text NOT NULL,
  defect_class text NOT NULL,
  months       smallint NOT NULL,
  clause       text NOT NULL,
  CONSTRAINT warranty_term_key PRIMARY KEY (site, unit, defect_class),
  CONSTRAINT warranty_term_site FOREIGN KEY (site) REFERENCES site (site)
);

-- Matters: one value each that only the domain moves, with the columns by which lists find it.
CREATE TABLE matter (
  site        text NOT NULL,
  id          uuid NOT NULL,
  kind        text NOT NULL,
  -- NULL where it belongs to no one case.
  case_id     uuid,
  ended       boolean NOT NULL,
  tags        text[] NOT NULL,
  searched    text NOT NULL,
  document    jsonb NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  revision    bigint NOT NULL,
  CONSTRAINT matter_key PRIMARY KEY (site, id),
  CONSTRAINT matter_site FOREIGN KEY (site) REFERENCES site (site),
  CONSTRAINT matter_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id)
);
CREATE INDEX matter_newest ON matter (kind, create_time DESC, id DESC);
CREATE INDEX matter_site_newest ON matter (site, kind, create_time DESC, id DESC);
CREATE INDEX matter_of_case ON matter (site, case_id) WHERE case_id IS NOT NULL;
-- One number of one body is one transfer.
CREATE UNIQUE INDEX matter_transfer_number ON matter (site, (tags[1])) WHERE kind = 'TRANSFER';
-- One open dispute a case.
CREATE UNIQUE INDEX matter_open_dispute ON matter (site, case_id) WHERE kind = 'DISPUTE' AND NOT ended;

-- What happened to a matter. Rows are only added.
CREATE TABLE matter_step (
  site      text NOT NULL,
  matter    uuid NOT NULL,
  sequence  bigint NOT NULL,
  kind      text NOT NULL,
  step_time timestamptz NOT NULL,
  -- A token subject.
  actor     text NOT NULL,
  text      text NOT NULL,
  CONSTRAINT matter_step_key PRIMARY KEY (site, matter, sequence),
  CONSTRAINT matter_step_matter FOREIGN KEY (site, matter) REFERENCES matter (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['unit', 'warranty_term', 'matter', 'matter_step'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON unit, matter TO %I', app);
  EXECUTE format('GRANT DELETE ON warranty_term TO %I', app);
END
$$;
