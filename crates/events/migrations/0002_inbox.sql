-- Events of other services that took effect here or wait to: each takes effect once.
CREATE TABLE inbox_seen (
  source       text NOT NULL,
  event_id     uuid NOT NULL,
  site         text NOT NULL,
  receive_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT inbox_seen_key PRIMARY KEY (source, event_id)
);
CREATE INDEX inbox_seen_receive_time ON inbox_seen (receive_time);

-- Events that build on something not known here yet, in the sender's order for each subject.
CREATE TABLE inbox_waiting (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source            text NOT NULL,
  event_id          uuid NOT NULL,
  type              text NOT NULL,
  site              text NOT NULL,
  subject           text NOT NULL,
  historical        boolean NOT NULL,
  traceparent       text NOT NULL,
  time              timestamptz NOT NULL,
  payload           bytea NOT NULL,
  attempts          integer NOT NULL DEFAULT 1,
  -- The net under the retries that other events cause.
  next_attempt_time timestamptz NOT NULL,
  receive_time      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_waiting_subject ON inbox_waiting (subject, source, id);
CREATE INDEX inbox_waiting_site ON inbox_waiting (site);
CREATE INDEX inbox_waiting_due ON inbox_waiting (next_attempt_time);

-- Takes an event in: locks its subject until the commit, so that an event that decides to wait and the one it
-- waits for cannot miss each other; notes it as seen; and looks, with a snapshot taken after the lock, at what waits.
--   fresh   false when it was seen before
--   waiting whether something waits that this event may set free
--   behind  whether an earlier event of the same source and subject waits
CREATE FUNCTION redress_receive(
  new_source text, new_event_id uuid, new_site text, new_subject text,
  OUT fresh boolean, OUT waiting boolean, OUT behind boolean
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1768843636, hashtext(new_subject));
  INSERT INTO inbox_seen (source, event_id, site) VALUES (new_source, new_event_id, new_site)
  ON CONFLICT ON CONSTRAINT inbox_seen_key DO NOTHING;
  fresh := FOUND;
  waiting := EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = new_subject)
    OR (new_subject = 'sites/' || new_site AND EXISTS (SELECT FROM inbox_waiting w WHERE w.site = new_site));
  behind := waiting AND EXISTS (SELECT FROM inbox_waiting w WHERE w.subject = new_subject AND w.source = new_source);
END
$$;

ALTER TABLE inbox_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox_seen FORCE ROW LEVEL SECURITY;
ALTER TABLE inbox_waiting ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox_waiting FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT ON inbox_seen TO %I', app);
  EXECUTE format('CREATE POLICY app ON inbox_seen TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_waiting TO %I', app);
  EXECUTE format('CREATE POLICY app ON inbox_waiting TO %I USING (redress_in_scope(site))', app);
  -- The worker skips what was seen, purges by age, and finds what waits; contents stay with the app role.
  EXECUTE format('GRANT SELECT (ctid, source, event_id, receive_time), DELETE ON inbox_seen TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON inbox_seen TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT (id, site, subject, next_attempt_time, receive_time) ON inbox_waiting TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON inbox_waiting TO %I USING (true)', worker);
END
$$;
