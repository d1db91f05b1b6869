-- Whether complaints are justified, and the one appeal.

-- Rows are only added; the newest one stands.
CREATE TABLE validity_decision (
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  sequence    integer NOT NULL,
  validity    text NOT NULL,
  reason      text NOT NULL,
  -- Names of pieces of evidence, which intake keeps.
  evidence    text[] NOT NULL,
  decider     text NOT NULL,
  decide_time timestamptz NOT NULL,
  on_appeal   boolean NOT NULL,
  CONSTRAINT validity_decision_key PRIMARY KEY (site, case_id, sequence),
  CONSTRAINT validity_decision_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT validity_decision_malicious CHECK (validity <> 'MALICIOUS' OR cardinality(evidence) > 0)
);

-- One appeal a case, ever.
CREATE TABLE appeal (
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  reason      text NOT NULL,
  appeal_time timestamptz NOT NULL,
  -- Token subject of who made the decision that is appealed; somebody else decides.
  against     text NOT NULL,
  granted     boolean,
  decide_time timestamptz,
  decider     text,
  decision    text,
  CONSTRAINT appeal_key PRIMARY KEY (site, case_id),
  CONSTRAINT appeal_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT appeal_by_another CHECK (decider <> against)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['validity_decision', 'appeal'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (granted, decide_time, decider, decision) ON appeal TO %I', app);
END
$$;
