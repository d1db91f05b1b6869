-- Takes events of one site in, as redress_receive takes one: locks their subjects, in one order for everybody, and answers
-- in the order given for each that was not seen before.
--   place   which one, from 1
--   waiting whether something waits that it may set free
--   behind  whether an earlier event of the same source and subject waits
CREATE FUNCTION redress_receive_many(
  new_sources text[], new_event_ids uuid[], new_site text, new_subjects text[]
) RETURNS TABLE (place bigint, waiting boolean, behind boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM redress_lock_subject('inbox', s.subject)
  FROM (SELECT DISTINCT unnest(new_subjects) AS subject ORDER BY 1) AS s;
  RETURN QUERY
    WITH given AS (
      SELECT DISTINCT ON (g.source, g.event_id) g.* FROM unnest(new_sources, new_event_ids, new_subjects)
        WITH ORDINALITY AS g (source, event_id, subject, place)
      ORDER BY g.source, g.event_id, g.place),
    fresh AS (
      INSERT INTO inbox_seen AS seen (source, event_id, site) SELECT g.source, g.event_id, new_site FROM given AS g
      ON CONFLICT ON CONSTRAINT inbox_seen_key DO NOTHING
      RETURNING seen.source, seen.event_id)
    SELECT g.place,
      EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = g.subject)
        OR (g.subject = 'sites/' || new_site AND EXISTS (SELECT FROM inbox_waiting w WHERE w.site = new_site)),
      EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = g.subject AND w.source = g.source)
    FROM given AS g JOIN fresh AS f ON f.source = g.source AND f.event_id = g.event_id
    ORDER BY g.place;
END
$$;
