-- What an operator's gauges count over all sites: open cases and running promises, each from a small index,
-- whatever lies closed beside them.

CREATE INDEX case_file_open ON case_file (site, status, grade)
  WHERE NOT historical AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED');
CREATE INDEX clock_running ON clock (site, kind, told, held) WHERE stop_time IS NULL;

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT (site, status, grade, historical) ON case_file TO %I', worker);
  EXECUTE format('CREATE POLICY counting_worker ON case_file FOR SELECT TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (told, held) ON clock TO %I', worker);
  EXECUTE format('GRANT SELECT (kind) ON site TO %I', worker);
END
$$;
