-- What a complainant says they need, what a handler found that they need, and which vulnerable persons are concerned (M15):
-- personal, and of a kind that tells of health, so all of it is sealed as one. Erasing a case takes the row away.

CREATE TABLE need (
  site    text NOT NULL,
  case_id uuid NOT NULL,
  -- Where it is sealed to; a new one with every change.
  id      uuid NOT NULL,
  sealed  bytea NOT NULL,
  CONSTRAINT need_key PRIMARY KEY (site, case_id),
  CONSTRAINT need_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE need ENABLE ROW LEVEL SECURITY;
  ALTER TABLE need FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT, UPDATE (id, sealed), DELETE ON need TO %I', app);
  EXECUTE format('CREATE POLICY app ON need TO %I
    USING (redress_in_scope(site) AND EXISTS (SELECT 1 FROM complaint c WHERE c.site = need.site AND c.id = need.case_id))',
    app);
END
$$;
