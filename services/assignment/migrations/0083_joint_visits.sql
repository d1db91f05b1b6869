-- Who took part in a visit beside whoever made it: a joint visit (M18). Rows are only added, with the visit that was made.

CREATE TABLE visit_participant (
  site    text NOT NULL,
  case_id uuid NOT NULL,
  visit   uuid NOT NULL,
  staff   text NOT NULL,
  CONSTRAINT visit_participant_key PRIMARY KEY (site, case_id, visit, staff),
  CONSTRAINT visit_participant_visit FOREIGN KEY (site, case_id, visit) REFERENCES visit (site, case_id, id),
  CONSTRAINT visit_participant_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE visit_participant ENABLE ROW LEVEL SECURITY;
  ALTER TABLE visit_participant FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON visit_participant TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT ON visit_participant TO %I', app);
END
$$;
