-- What the complainant asks for, each demand judged by itself: lawful? reasonable? (M02). Rows are only added; the newest one stands.
CREATE TABLE demand_judgement (
  site       text NOT NULL,
  case_id    uuid NOT NULL,
  sequence   integer NOT NULL,
  -- The four of one length: one place a demand.
  demands    text[] NOT NULL,
  lawful     boolean[] NOT NULL,
  reasonable boolean[] NOT NULL,
  reasons    text[] NOT NULL,
  judge      text NOT NULL,
  judge_time timestamptz NOT NULL,
  CONSTRAINT demand_judgement_key PRIMARY KEY (site, case_id, sequence),
  CONSTRAINT demand_judgement_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT demand_judgement_whole CHECK (
    cardinality(demands) > 0
    AND cardinality(lawful) = cardinality(demands)
    AND cardinality(reasonable) = cardinality(demands)
    AND cardinality(reasons) = cardinality(demands)
  )
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE demand_judgement ENABLE ROW LEVEL SECURITY;
  ALTER TABLE demand_judgement FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON demand_judgement TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT ON demand_judgement TO %I', app);
END
$$;
