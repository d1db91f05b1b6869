-- Words of each case, segmented by jieba outside of Postgres. The site is one more lexeme, so that the
-- index itself confines a search to the caller's sites.
CREATE TABLE case_search (
  site          text NOT NULL,
  case_id       uuid NOT NULL,
  received_time timestamptz NOT NULL,
  hidden_from   text[] NOT NULL,
  lexemes       tsvector NOT NULL,
  CONSTRAINT case_search_key PRIMARY KEY (site, case_id),
  CONSTRAINT case_search_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);
-- Without a pending list: complaints come one by one, and no search should have to walk what is not sorted in.
CREATE INDEX case_search_lexemes ON case_search USING gin (lexemes) WITH (fastupdate = off);

ALTER TABLE case_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_search FORCE ROW LEVEL SECURITY;

-- `@@` is not leakproof, so under a row policy its index would not be used. This function runs as the
-- owner, whose policy shows everything, and applies scope and viewer itself. $1 words, all of which have to
-- occur; $2 a site or null; $3, $4 where the page before ended or null; $5 how many.
DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  owner text := 'redress_' || current_schema() || '_owner';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON case_search TO %I', app);
  EXECUTE format('CREATE POLICY app ON case_search TO %I
    USING (redress_in_scope(site) AND intake_may_view(hidden_from)) WITH CHECK (redress_in_scope(site))', app);
  EXECUTE format('CREATE POLICY owner ON case_search FOR SELECT TO %I USING (true)', owner);

  EXECUTE format($f$
    CREATE FUNCTION case_search_find(text[], text, timestamptz, uuid, bigint)
      RETURNS TABLE (site text, case_id uuid, received_time timestamptz)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, pg_temp
      AS $body$
        WITH hit AS MATERIALIZED (
          SELECT s.site, s.case_id, s.received_time
          FROM case_search s
          WHERE s.lexemes @@ (
              SELECT (words.query || ' & (' || sites.query || ')')::tsquery
              FROM (SELECT string_agg('''' || replace(replace(w, '\', '\\'), '''', '''''') || '''', ' & ') AS query
                    FROM unnest($1) AS w) AS words,
                   (SELECT string_agg('''site=' || replace(replace(x, '\', '\\'), '''', '''''') || '''', ' | ') AS query
                    FROM unnest(NULLIF(current_setting('redress.sites', true), '')::text[]) AS x
                    WHERE $2 IS NULL OR x = $2) AS sites)
            AND intake_may_view(s.hidden_from)
            AND ($3 IS NULL OR (s.received_time, s.case_id) < ($3, $4)))
        SELECT hit.site, hit.case_id, hit.received_time
        FROM hit
        -- The lexeme of the site said so already; asked here again so that it never rests on lexemes alone.
        WHERE redress_in_scope(hit.site)
        ORDER BY hit.received_time DESC, hit.case_id DESC
        LIMIT $5
      $body$
    $f$, current_schema());
  REVOKE ALL ON FUNCTION case_search_find(text[], text, timestamptz, uuid, bigint) FROM PUBLIC;
  EXECUTE format('GRANT EXECUTE ON FUNCTION case_search_find(text[], text, timestamptz, uuid, bigint) TO %I', app);
END
$$;
