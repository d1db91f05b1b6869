-- What an operator's gauges count over all sites: open incidents, their running promises, and how those of
-- the last day ended.

CREATE INDEX incident_clock_stopped_at ON incident_clock (stop_time) WHERE state = 'MET';

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT (mode, stage) ON incident TO %I', worker);
  EXECUTE format('GRANT SELECT (kind, state, due_time, stop_time) ON incident_clock TO %I', worker);
END
$$;
