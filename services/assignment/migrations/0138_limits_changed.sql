-- The limits of the site changed since: what is proposed for the case, and nobody was told yet, is looked at again, by a job in
-- slices. An older release sets no mark, and telling looks at the limits all the same.
ALTER TABLE work ADD COLUMN limits_changed boolean NOT NULL DEFAULT false;
CREATE INDEX work_limits_changed ON work (site, case_id)
  WHERE limits_changed AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED');

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- Finds the cases, and nothing else of them.
  EXECUTE format('GRANT SELECT (limits_changed) ON work TO %I', worker);
END
$$;
