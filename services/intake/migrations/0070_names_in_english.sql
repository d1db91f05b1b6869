-- What people who read English are told that a site is called; empty: its name.
ALTER TABLE site ADD COLUMN display_name_en text NOT NULL DEFAULT '';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (display_name_en) ON site TO %I', app);
END
$$;
