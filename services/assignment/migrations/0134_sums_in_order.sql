-- Sums of one span lie together: a year of a site is read from a few pages, not from as many as it has rows. What was written
-- before stays where it is. Otherwise as in 0097.
CREATE OR REPLACE FUNCTION add_to_sites(delta tally_delta[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO site_tally AS t (site, pair, span, historical, a, b, cases, resolved, on_time, late, surveys, score)
  SELECT d.site, d.pair, d.month / s.months * s.months * 16 + s.months AS span, d.historical, d.a, d.b,
         sum(d.cases), sum(d.resolved), sum(d.on_time), sum(d.late), sum(d.surveys), sum(d.score)
  FROM unnest(delta) AS d CROSS JOIN unnest(ARRAY[1, 3, 12]) AS s (months)
  GROUP BY d.site, d.pair, span, s.months, d.historical, d.a, d.b
  HAVING sum(d.cases) <> 0 OR sum(d.resolved) <> 0 OR sum(d.on_time) <> 0 OR sum(d.late) <> 0 OR sum(d.surveys) <> 0
      OR sum(d.score) <> 0
  ORDER BY s.months DESC, d.pair, span, d.a, d.b
  ON CONFLICT ON CONSTRAINT site_tally_key DO UPDATE
  SET cases = t.cases + excluded.cases, resolved = t.resolved + excluded.resolved, on_time = t.on_time + excluded.on_time,
      late = t.late + excluded.late, surveys = t.surveys + excluded.surveys, score = t.score + excluded.score;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION add_to_sites(tally_delta[]) SET search_path = %I, pg_temp', current_schema());
  ALTER FUNCTION add_to_sites(tally_delta[]) SET work_mem = '64MB';
END
$$;
