-- What a department is called may change; its id and its categories do not.
DO $$
BEGIN
  EXECUTE format('GRANT UPDATE (display_name, display_name_en, revision) ON department TO %I',
    'redress_' || current_schema() || '_app');
END
$$;
