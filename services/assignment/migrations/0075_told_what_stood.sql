-- Others hear who has a part in a case, and how much of its solutions may be promised, when that changes. What stood before
-- they asked (0050 and 0051 of notification) they are told once, by a job in slices: of live cases, since one that ended is
-- told once it lives again. The default that is taken away at once marks the rows there are without writing them.
ALTER TABLE work ADD COLUMN untold boolean NOT NULL DEFAULT true;
ALTER TABLE work ALTER COLUMN untold SET DEFAULT false;
CREATE INDEX work_untold ON work (site, case_id)
  WHERE untold AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED');

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- Finds the cases, and nothing else of them.
  EXECUTE format('GRANT SELECT (case_id, untold) ON work TO %I', worker);
END
$$;
