-- What a statement's reviewers let pass, and the rules of what must not be said.

-- Why a version may say what the wording check finds, and otherwise than what was published; empty where it does not.
ALTER TABLE statement_version
  ADD COLUMN wording_reason text NOT NULL DEFAULT '',
  ADD COLUMN correction     text NOT NULL DEFAULT '';

-- Wording rules of the levels above and of the site, from notification. A revision never changes.
CREATE TABLE wording_rules (
  site           text NOT NULL,
  -- organizations/{o}, organizations/{o}/regions/{r} or sites/{s}.
  scope          text NOT NULL,
  revision       integer NOT NULL,
  effective_time timestamptz NOT NULL,
  document       text NOT NULL,
  CONSTRAINT wording_rules_key PRIMARY KEY (site, scope, revision)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE wording_rules ENABLE ROW LEVEL SECURITY;
  ALTER TABLE wording_rules FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON wording_rules TO %I', app);
  EXECUTE format('CREATE POLICY app ON wording_rules TO %I USING (redress_in_scope(site))', app);
END
$$;
