-- Messages that failed for good wait for a person: counted over all sites, and listed by site, from an index
-- of their own.

CREATE INDEX message_failed_idx ON message (site, message_id) WHERE state = 'FAILED';

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('CREATE POLICY message_failed ON message FOR SELECT TO %I USING (state = ''FAILED'')', worker);
  EXECUTE format('GRANT SELECT (state) ON message TO %I', worker);
END
$$;
