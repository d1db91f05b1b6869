-- The history of the work on a case is a chain (I12): each step hashes what it says and the hash before it, and the work
-- remembers the last one. NULL where an older release wrote the step; the next one that is added hashes over it.
ALTER TABLE work_step ADD COLUMN hash bytea;
ALTER TABLE work
  ADD COLUMN step_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN step_hash  bytea  NOT NULL DEFAULT '';

-- Verification walks the cases of a site in the order of their ids: work_key.

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  -- Finds sites where somebody on leave is responsible, too.
  EXECUTE format('GRANT SELECT (responsible) ON work TO %I', worker);
END
$$;
