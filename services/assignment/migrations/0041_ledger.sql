-- The accountability ledger (M17, M02) and corrective actions (M16). People stand here by their id on the roster.

CREATE TABLE ledger_entry (
  site        text NOT NULL,
  id          uuid NOT NULL,
  -- What made it, for entries that follow from an event: the same event makes none again.
  origin      text,
  kind        text NOT NULL,
  cause       text NOT NULL,
  reason      text NOT NULL,
  case_id     uuid,
  -- NULL: the site itself.
  staff       text,
  amount_fen  bigint NOT NULL CONSTRAINT ledger_entry_amount CHECK (amount_fen >= 0),
  due_time    timestamptz NOT NULL,
  state       text NOT NULL,
  author      text NOT NULL,
  appellant   text,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  revision    bigint NOT NULL,
  CONSTRAINT ledger_entry_key PRIMARY KEY (site, id),
  CONSTRAINT ledger_entry_origin UNIQUE (site, origin),
  CONSTRAINT ledger_entry_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);
CREATE INDEX ledger_entry_newest ON ledger_entry (create_time DESC, id DESC);
CREATE INDEX ledger_entry_site_newest ON ledger_entry (site, create_time DESC, id DESC);

-- What was done with an entry. Rows are only added.
CREATE TABLE ledger_act (
  site     text NOT NULL,
  entry    uuid NOT NULL,
  revision bigint NOT NULL,
  state    text NOT NULL,
  act_time timestamptz NOT NULL,
  actor    text NOT NULL,
  reason   text NOT NULL,
  CONSTRAINT ledger_act_key PRIMARY KEY (site, entry, revision),
  CONSTRAINT ledger_act_entry FOREIGN KEY (site, entry) REFERENCES ledger_entry (site, id)
);

CREATE TABLE corrective_action (
  site          text NOT NULL,
  id            uuid NOT NULL,
  title         text NOT NULL,
  cause         text NOT NULL,
  case_id       uuid,
  owner         text NOT NULL,
  due_time      timestamptz NOT NULL,
  state         text NOT NULL,
  note          text NOT NULL,
  -- Who said that it is done; NULL until somebody did.
  done_by       text,
  failed_checks integer NOT NULL,
  create_time   timestamptz NOT NULL,
  update_time   timestamptz NOT NULL,
  revision      bigint NOT NULL,
  CONSTRAINT corrective_action_key PRIMARY KEY (site, id),
  CONSTRAINT corrective_action_owner FOREIGN KEY (site, owner) REFERENCES staff (site, id)
);
CREATE INDEX corrective_action_newest ON corrective_action (create_time DESC, id DESC);
CREATE INDEX corrective_action_site_newest ON corrective_action (site, create_time DESC, id DESC);

-- What was done with an action. Rows are only added.
CREATE TABLE corrective_action_act (
  site     text NOT NULL,
  action   uuid NOT NULL,
  revision bigint NOT NULL,
  state    text NOT NULL,
  act_time timestamptz NOT NULL,
  actor    text NOT NULL,
  note     text NOT NULL,
  CONSTRAINT corrective_action_act_key PRIMARY KEY (site, action, revision),
  CONSTRAINT corrective_action_act_action FOREIGN KEY (site, action) REFERENCES corrective_action (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['ledger_entry', 'ledger_act', 'corrective_action', 'corrective_action_act'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON ledger_entry, corrective_action TO %I', app);
END
$$;
