-- What a request_id led to, so that a retry gets the same answer. Inserted before anything else of the
-- request in the same transaction: a concurrent duplicate waits on the key, then sees the row.
-- Holds the resource's name and etag, never the response; the fingerprint is a keyed hash.
CREATE TABLE receipt (
  -- '' where the request is about no site (organizations and regions).
  site        text NOT NULL,
  -- Subject of the caller's token.
  caller      text NOT NULL,
  -- Full name of the RPC.
  method      text NOT NULL,
  request_id  text NOT NULL,
  fingerprint bytea NOT NULL,
  -- Empty until the request is done; a row that others can see is done.
  resource    text NOT NULL DEFAULT '',
  etag        text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL,
  CONSTRAINT receipt_key PRIMARY KEY (site, caller, method, request_id)
);
-- For the purge of old ones.
CREATE INDEX receipt_create_time ON receipt (create_time);

ALTER TABLE receipt ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipt FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON receipt TO %I', app);
  EXECUTE format('CREATE POLICY app ON receipt TO %I USING (site = '''' OR redress_in_scope(site))', app);
  -- The worker purges by age; it reads nothing else.
  EXECUTE format('GRANT SELECT (ctid, create_time), DELETE ON receipt TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON receipt TO %I USING (true)', worker);
END
$$;
