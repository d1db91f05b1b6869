-- A receipt of a clock that fired late is kept in the transaction in which it took effect, by whoever commits that; the worker
-- of an older release goes on to write its own beside it.
DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT INSERT ON late_firing TO %I', app);
END
$$;
