-- Locks of a subject are each service's own. Advisory locks belong to the whole database, and five services work on the
-- same cases there: by the subject alone, each would wait for what the others do with theirs.

CREATE FUNCTION redress_lock_subject(purpose text, subject text) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || purpose || '/' || subject, 0))
$$;

-- As before, but for the lock.
CREATE OR REPLACE FUNCTION redress_publish(
  new_event_id uuid, new_type text, new_site text, new_subject text, new_partition smallint,
  new_historical boolean, new_traceparent text, new_payload bytea
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last_stamp xid8;
  new_id bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'events are published in READ COMMITTED: an older snapshot does not see the event before';
  END IF;
  PERFORM redress_lock_subject('outbox', new_subject);
  SELECT o.stamp INTO last_stamp FROM outbox o WHERE o.subject = new_subject ORDER BY o.id DESC LIMIT 1;
  INSERT INTO outbox (stamp, event_id, type, site, subject, partition, historical, traceparent, payload)
  VALUES (greatest(pg_current_xact_id(), last_stamp), new_event_id, new_type, new_site, new_subject, new_partition,
          new_historical, new_traceparent, new_payload)
  RETURNING id INTO new_id;
  RETURN new_id;
END
$$;

-- As before, but for the lock.
CREATE OR REPLACE FUNCTION redress_receive(
  new_source text, new_event_id uuid, new_site text, new_subject text,
  OUT fresh boolean, OUT waiting boolean, OUT behind boolean
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM redress_lock_subject('inbox', new_subject);
  INSERT INTO inbox_seen (source, event_id, site) VALUES (new_source, new_event_id, new_site)
  ON CONFLICT ON CONSTRAINT inbox_seen_key DO NOTHING;
  fresh := FOUND;
  waiting := EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = new_subject)
    OR (new_subject = 'sites/' || new_site AND EXISTS (SELECT FROM inbox_waiting w WHERE w.site = new_site));
  behind := waiting AND EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = new_subject AND w.source = new_source);
END
$$;
