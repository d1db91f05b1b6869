-- Who has a part in a case beside the responsible person: helps, visits, was summoned. Only they write to its complainants.
CREATE TABLE case_part (
  site    text    NOT NULL,
  part_id uuid    NOT NULL,
  case_id uuid    NOT NULL,
  staff   text    NOT NULL,
  open    boolean NOT NULL,
  CONSTRAINT case_part_pkey PRIMARY KEY (site, part_id)
);
CREATE INDEX case_part_open_idx ON case_part (site, case_id, staff) WHERE open;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE case_part ENABLE ROW LEVEL SECURITY;
  ALTER TABLE case_part FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY case_part_in_scope ON case_part TO %I
    USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON case_part TO %I', app);
END
$$;
