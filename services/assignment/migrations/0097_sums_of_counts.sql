-- Sums of `tally`, so that every question reads few rows that lie together: of each site by month, quarter and year, and of
-- each region by month. Triggers keep them in the transaction that counts, whichever release counts.

-- What changes sums.
CREATE TYPE tally_delta AS (
  site text, pair smallint, month integer, historical boolean, a text, b text,
  cases bigint, resolved bigint, on_time bigint, late bigint, surveys bigint, score bigint
);

-- A question reads one pair of all sites: in a table of its own that takes a tenth of the pages that it takes among the others.
CREATE TABLE site_tally (
  site       text NOT NULL,
  pair       smallint NOT NULL,
  -- 16 × the first month + the number of months (1, 3 or 12), see domain::report.
  span       integer NOT NULL,
  historical boolean NOT NULL,
  a          text NOT NULL,
  b          text NOT NULL,
  cases      bigint NOT NULL,
  resolved   bigint NOT NULL,
  on_time    bigint NOT NULL,
  late       bigint NOT NULL,
  surveys    bigint NOT NULL,
  score      bigint NOT NULL,
  CONSTRAINT site_tally_key PRIMARY KEY (site, pair, span, historical, a, b)
) PARTITION BY LIST (pair);

-- Sums over the sites of a region, which only those see who see the whole of it.
CREATE TABLE region_tally (
  organization text NOT NULL,
  region       text NOT NULL,
  pair         smallint NOT NULL,
  month        integer NOT NULL,
  historical   boolean NOT NULL,
  a            text NOT NULL,
  b            text NOT NULL,
  cases        bigint NOT NULL,
  resolved     bigint NOT NULL,
  on_time      bigint NOT NULL,
  late         bigint NOT NULL,
  surveys      bigint NOT NULL,
  score        bigint NOT NULL,
  CONSTRAINT region_tally_key PRIMARY KEY (organization, region, pair, month, historical, a, b)
) PARTITION BY HASH (pair);

DO $$
DECLARE
  pair integer;
BEGIN
  -- Those of domain::report: two dimensions or one with a detail, the total, the desk.
  FOR pair IN
    SELECT 16 * i + j FROM generate_series(1, 7) AS i CROSS JOIN generate_series(2, 10) AS j WHERE i < j
    UNION SELECT 17 UNION SELECT 27
  LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF site_tally FOR VALUES IN (%s) WITH (fillfactor = 70)',
                   'site_tally_' || pair, pair);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', 'site_tally_' || pair);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', 'site_tally_' || pair);
  END LOOP;
  CREATE TABLE site_tally_other PARTITION OF site_tally DEFAULT WITH (fillfactor = 70);
  ALTER TABLE site_tally_other ENABLE ROW LEVEL SECURITY;
  ALTER TABLE site_tally_other FORCE ROW LEVEL SECURITY;
  FOR part IN 0..7 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF region_tally FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (fillfactor = 70)',
                   'region_tally_' || part, part);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', 'region_tally_' || part);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', 'region_tally_' || part);
  END LOOP;
END
$$;

CREATE FUNCTION region_in_scope(organization text, region text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN organization = ANY (NULLIF(current_setting('redress.organizations', true), '')::text[])
      OR (organization || '/' || region) = ANY (NULLIF(current_setting('redress.regions', true), '')::text[]);

-- Adds to the sums of sites, each of which one transaction counts at a time.
CREATE FUNCTION add_to_sites(delta tally_delta[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO site_tally AS t (site, pair, span, historical, a, b, cases, resolved, on_time, late, surveys, score)
  SELECT d.site, d.pair, d.month / s.months * s.months * 16 + s.months, d.historical, d.a, d.b,
         sum(d.cases), sum(d.resolved), sum(d.on_time), sum(d.late), sum(d.surveys), sum(d.score)
  FROM unnest(delta) AS d CROSS JOIN unnest(ARRAY[1, 3, 12]) AS s (months)
  GROUP BY 1, 2, 3, 4, 5, 6
  HAVING sum(d.cases) <> 0 OR sum(d.resolved) <> 0 OR sum(d.on_time) <> 0 OR sum(d.late) <> 0 OR sum(d.surveys) <> 0
      OR sum(d.score) <> 0
  ON CONFLICT ON CONSTRAINT site_tally_key DO UPDATE
  SET cases = t.cases + excluded.cases, resolved = t.resolved + excluded.resolved, on_time = t.on_time + excluded.on_time,
      late = t.late + excluded.late, surveys = t.surveys + excluded.surveys, score = t.score + excluded.score;
END
$$;

-- Adds to the sums of a region. Those who count at its sites come here one after another: they change the same rows.
CREATE FUNCTION add_to_region(of_organization text, of_region text, delta tally_delta[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  place text := of_organization || '/' || of_region;
  own text := coalesce(current_setting('redress.regions', true), '');
BEGIN
  -- The class is `regi` in ASCII.
  PERFORM pg_advisory_xact_lock(1919248233, hashtext(place));
  -- Whoever counts sees one site. For this statement alone it acts for the region.
  PERFORM set_config('redress.regions', ARRAY[place]::text, true);
  INSERT INTO region_tally AS t
    (organization, region, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)
  SELECT of_organization, of_region, d.pair, d.month, d.historical, d.a, d.b,
         sum(d.cases), sum(d.resolved), sum(d.on_time), sum(d.late), sum(d.surveys), sum(d.score)
  FROM unnest(delta) AS d
  GROUP BY d.pair, d.month, d.historical, d.a, d.b
  HAVING sum(d.cases) <> 0 OR sum(d.resolved) <> 0 OR sum(d.on_time) <> 0 OR sum(d.late) <> 0 OR sum(d.surveys) <> 0
      OR sum(d.score) <> 0
  ON CONFLICT ON CONSTRAINT region_tally_key DO UPDATE
  SET cases = t.cases + excluded.cases, resolved = t.resolved + excluded.resolved, on_time = t.on_time + excluded.on_time,
      late = t.late + excluded.late, surveys = t.surveys + excluded.surveys, score = t.score + excluded.score;
  PERFORM set_config('redress.regions', own, true);
END
$$;

-- After each statement that changed counts.
CREATE FUNCTION sum_tally() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delta tally_delta[];
  place record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW(site, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)::tally_delta)
    INTO delta FROM added;
  ELSE
    SELECT array_agg(ROW(site, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)::tally_delta)
    INTO delta FROM (
      SELECT site, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score FROM added
      UNION ALL
      SELECT site, pair, month, historical, a, b, -cases, -resolved, -on_time, -late, -surveys, -score FROM removed) d;
  END IF;
  IF delta IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM add_to_sites(delta);
  -- A site whose region is not known yet joins it when it is told (move_tally).
  FOR place IN
    SELECT p.organization, p.region, array_agg(d) AS delta
    FROM unnest(delta) AS d JOIN scope_site p ON p.site = d.site GROUP BY p.organization, p.region ORDER BY 1, 2
  LOOP
    PERFORM add_to_region(place.organization, place.region, place.delta);
  END LOOP;
  RETURN NULL;
END
$$;

-- After a site was placed: its counts go where it goes.
CREATE FUNCTION move_tally() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  put_in tally_delta[];
  taken_out tally_delta[];
BEGIN
  -- Whoever counts at the site (store::reports::fold::batch) does so before the move or after it.
  PERFORM pg_advisory_xact_lock(1952541804, hashtext(NEW.site));
  SELECT array_agg(ROW(site, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)::tally_delta),
         array_agg(ROW(site, pair, month, historical, a, b, -cases, -resolved, -on_time, -late, -surveys, -score)::tally_delta)
  INTO put_in, taken_out FROM tally WHERE site = NEW.site;
  IF put_in IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    -- Both regions in one order, so that sites that change places do not wait for each other.
    PERFORM pg_advisory_xact_lock(1919248233, k)
    FROM (SELECT DISTINCT hashtext(p) AS k
          FROM unnest(ARRAY[OLD.organization || '/' || OLD.region, NEW.organization || '/' || NEW.region]) AS p
          ORDER BY 1) AS s;
    PERFORM add_to_region(OLD.organization, OLD.region, taken_out);
  END IF;
  PERFORM add_to_region(NEW.organization, NEW.region, put_in);
  RETURN NULL;
END
$$;

-- As whoever changes the tables, under row security; with our names whatever their search path is, and with room for the
-- groups of a batch, which the planner takes for few.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['add_to_sites(tally_delta[])', 'add_to_region(text, text, tally_delta[])', 'sum_tally()',
                              'move_tally()'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    EXECUTE format('ALTER FUNCTION %s SET work_mem = %L', name, '64MB');
  END LOOP;
END
$$;

-- In the order in which those who read take them. Row security holds for the owner too, who acts for no site.
ALTER TABLE scope_site NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tally NO FORCE ROW LEVEL SECURITY;

INSERT INTO site_tally (site, pair, span, historical, a, b, cases, resolved, on_time, late, surveys, score)
SELECT t.site, t.pair, t.month / s.months * s.months * 16 + s.months, t.historical, t.a, t.b,
       sum(t.cases), sum(t.resolved), sum(t.on_time), sum(t.late), sum(t.surveys), sum(t.score)
FROM tally t CROSS JOIN unnest(ARRAY[1, 3, 12]) AS s (months)
GROUP BY 1, 2, 3, 4, 5, 6;

INSERT INTO region_tally
  (organization, region, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)
SELECT p.organization, p.region, t.pair, t.month, t.historical, t.a, t.b,
       sum(t.cases), sum(t.resolved), sum(t.on_time), sum(t.late), sum(t.surveys), sum(t.score)
FROM tally t JOIN scope_site p ON p.site = t.site
GROUP BY 1, 2, 3, 4, 5, 6, 7;

CREATE TRIGGER tally_inserted AFTER INSERT ON tally REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION sum_tally();
CREATE TRIGGER tally_updated AFTER UPDATE ON tally REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION sum_tally();
CREATE TRIGGER site_placed AFTER INSERT ON scope_site FOR EACH ROW EXECUTE FUNCTION move_tally();
CREATE TRIGGER site_moved AFTER UPDATE ON scope_site FOR EACH ROW
  WHEN ((OLD.organization, OLD.region) IS DISTINCT FROM (NEW.organization, NEW.region)) EXECUTE FUNCTION move_tally();

ALTER TABLE tally FORCE ROW LEVEL SECURITY;
ALTER TABLE scope_site FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site_tally', 'region_tally'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('CREATE POLICY app ON site_tally TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('CREATE POLICY app ON region_tally TO %I USING (region_in_scope(organization, region))', app);
END
$$;
