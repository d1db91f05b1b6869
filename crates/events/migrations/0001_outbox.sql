-- Events that this service says. Rows are only ever added, by the transaction that changes the thing
-- they are about, and deleted a week after everybody has them: a relay that is slow, or a reader that
-- stays open for hours, leaves no dead rows to step over.
CREATE TABLE outbox (
  -- Order within one subject: taken while the subject is locked (see redress_publish).
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Which reading window the row belongs to: the writing transaction's id, or the stamp of the event
  -- of this subject before it where that is higher.
  stamp       xid8 NOT NULL,
  event_id    uuid NOT NULL,
  type        text NOT NULL,
  site        text NOT NULL,
  subject     text NOT NULL,
  -- Share of the work, 0 to 7, from the subject.
  partition   smallint NOT NULL,
  historical  boolean NOT NULL,
  -- W3C trace context of the writer; empty where there was none.
  traceparent text NOT NULL,
  payload     bytea NOT NULL,
  time        timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT outbox_partition CHECK (partition BETWEEN 0 AND 7)
);
CREATE INDEX outbox_stamp ON outbox (stamp, id);
CREATE INDEX outbox_subject ON outbox (subject, id);
CREATE INDEX outbox_time ON outbox (time);

-- Writes one event. One function, because its three steps must follow each other within one round trip:
-- lock the subject until the commit, look at the subject's last event with a snapshot taken after the lock, add the row.
CREATE FUNCTION redress_publish(
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
  PERFORM pg_advisory_xact_lock(1869968482, hashtext(new_subject));
  SELECT o.stamp INTO last_stamp FROM outbox o WHERE o.subject = new_subject ORDER BY o.id DESC LIMIT 1;
  INSERT INTO outbox (stamp, event_id, type, site, subject, partition, historical, traceparent, payload)
  VALUES (greatest(pg_current_xact_id(), last_stamp), new_event_id, new_type, new_site, new_subject, new_partition,
          new_historical, new_traceparent, new_payload)
  RETURNING id INTO new_id;
  RETURN new_id;
END
$$;

-- How far each subscriber has got in each partition, and which replica carries it there.
CREATE TABLE outbox_cursor (
  subscriber  text NOT NULL,
  partition   smallint NOT NULL,
  -- The window under way: stamps from low_stamp on, below high_stamp. Equal: none is open.
  low_stamp   xid8 NOT NULL DEFAULT '0',
  high_stamp  xid8 NOT NULL DEFAULT '0',
  -- Everything of the window up to this id is delivered or held.
  last_id     bigint NOT NULL DEFAULT 0,
  -- Who carries it, until when. Times of leases are those of Postgres.
  lease_token uuid,
  lease_until timestamptz,
  PRIMARY KEY (subscriber, partition)
) WITH (fillfactor = 50);

-- Replicas that carry events at this moment, to share the partitions fairly.
CREATE TABLE outbox_relay (
  token      uuid PRIMARY KEY,
  live_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Events that a subscriber could not take, and those of the same subject behind them.
CREATE TABLE outbox_held (
  subscriber        text NOT NULL,
  outbox_id         bigint NOT NULL,
  partition         smallint NOT NULL,
  site              text NOT NULL,
  subject           text NOT NULL,
  event_id          uuid NOT NULL,
  type              text NOT NULL,
  attempts          integer NOT NULL DEFAULT 0,
  -- How many of them were refusals.
  rejections        integer NOT NULL DEFAULT 0,
  -- Set on the first of a subject only; NULL behind it and on a parked one.
  next_attempt_time timestamptz,
  -- Empty on those that merely wait behind.
  reason            text NOT NULL DEFAULT '',
  hold_time         timestamptz NOT NULL DEFAULT clock_timestamp(),
  park_time         timestamptz,
  PRIMARY KEY (subscriber, outbox_id)
);
CREATE INDEX outbox_held_subject ON outbox_held (subscriber, subject, outbox_id);
CREATE INDEX outbox_held_due ON outbox_held (subscriber, next_attempt_time) WHERE next_attempt_time IS NOT NULL;
CREATE INDEX outbox_held_parked ON outbox_held (park_time, outbox_id) WHERE park_time IS NOT NULL;

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox_held ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_held FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT ON outbox TO %I', app);
  EXECUTE format('CREATE POLICY app ON outbox TO %I USING (redress_in_scope(site))', app);
  -- Operators look at held events and put them back.
  EXECUTE format('GRANT SELECT, UPDATE ON outbox_held TO %I', app);
  EXECUTE format('CREATE POLICY app ON outbox_held TO %I USING (redress_in_scope(site))', app);
  -- The relay carries the events of all sites and changes none; stamps are made anew after a logical restore.
  EXECUTE format('GRANT SELECT, DELETE, UPDATE (stamp) ON outbox TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON outbox TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_held, outbox_cursor, outbox_relay TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON outbox_held TO %I USING (true)', worker);
END
$$;
