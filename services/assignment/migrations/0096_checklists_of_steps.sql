-- What is done beside a repair that a step of a solution carries out by own staff (M12): its items, with who ticked them and when,
-- as JSON. NULL for steps of a release before this one, which have none.
ALTER TABLE solution_step ADD COLUMN checklist jsonb;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (checklist) ON solution_step TO %I', app);
END
$$;
