-- What became of each message that carries a statement to somebody who complains: who was not reached does not count as told.
CREATE TABLE statement_delivery (
  site        text NOT NULL,
  -- Notification's message.
  message     uuid NOT NULL,
  statement   uuid NOT NULL,
  case_id     uuid NOT NULL,
  -- By its newest state it was sent, and nothing came back.
  reached     boolean NOT NULL,
  -- When it came to be in that state: news repeat and come in any order.
  change_time timestamptz NOT NULL,
  CONSTRAINT statement_delivery_key PRIMARY KEY (site, message),
  CONSTRAINT statement_delivery_statement FOREIGN KEY (site, statement) REFERENCES statement (site, id)
);
CREATE INDEX statement_delivery_missed ON statement_delivery (site, statement) WHERE NOT reached;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE statement_delivery ENABLE ROW LEVEL SECURITY;
  ALTER TABLE statement_delivery FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON statement_delivery TO %I', app);
  EXECUTE format('GRANT UPDATE (reached, change_time) ON statement_delivery TO %I', app);
  EXECUTE format('CREATE POLICY app ON statement_delivery TO %I USING (redress_in_scope(site))', app);
END
$$;
