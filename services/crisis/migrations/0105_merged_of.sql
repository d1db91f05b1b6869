-- What an incident said binds the one that it was merged into, whoever asks: under the row policies of the caller one that is hidden from them was
-- left out, and a statement was weighed as if nothing had been said. This function runs as the owner, whose policy shows everything, and applies the
-- scope itself. It gives ids and nothing else: what was merged stays hidden. $1 the site; $2 the incident that stays.
DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  owner text := 'redress_' || current_schema() || '_owner';
BEGIN
  EXECUTE format('CREATE POLICY owner ON incident FOR SELECT TO %I USING (true)', owner);

  EXECUTE format($f$
    CREATE FUNCTION merged_of(text, uuid) RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = %I, pg_temp
      AS $body$
        SELECT i.id FROM incident i WHERE i.site = $1 AND i.merged_into = $2 AND redress_in_scope(i.site)
      $body$
    $f$, current_schema());
  REVOKE ALL ON FUNCTION merged_of(text, uuid) FROM PUBLIC;
  EXECUTE format('GRANT EXECUTE ON FUNCTION merged_of(text, uuid) TO %I', app);
END
$$;
