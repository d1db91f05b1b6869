-- Messages, what became of them, and what this service remembers of others to write and route them.
-- Every table has a site, and row security confines every statement of the app role to the sites of
-- its transaction.

-- The directory entry of a site: its name, zone and language appear in messages.
CREATE TABLE site (
  site         text        NOT NULL,
  display_name text        NOT NULL,
  time_zone    text        NOT NULL,
  language     text        NOT NULL,
  revision     bigint      NOT NULL,
  CONSTRAINT site_pkey PRIMARY KEY (site)
);

-- A case as messages need it. The parts come from three producers, each with its own revision.
CREATE TABLE case_view (
  site           text        NOT NULL,
  case_id        uuid        NOT NULL,
  number         text        NOT NULL,
  historical     boolean     NOT NULL,
  status         text        NOT NULL,
  epoch          bigint      NOT NULL,
  revision       bigint      NOT NULL,
  language       text        NOT NULL,
  grade          integer     NOT NULL,
  grade_revision bigint      NOT NULL,
  responsible    text        NOT NULL,
  offered_to     text        NOT NULL,
  owner_revision bigint      NOT NULL,
  next_time      timestamptz,
  CONSTRAINT case_view_pkey PRIMARY KEY (site, case_id)
);

-- An incident: it lives as long as it was not merged into another and one of its cases lives.
CREATE TABLE incident_view (
  site        text    NOT NULL,
  incident_id uuid    NOT NULL,
  case_ids    uuid[]  NOT NULL,
  merged      boolean NOT NULL,
  revision    bigint  NOT NULL,
  CONSTRAINT incident_view_pkey PRIMARY KEY (site, incident_id)
);

-- A clock: a promise that was met pages nobody, whatever was queued before.
CREATE TABLE clock_view (
  site       text   NOT NULL,
  clock_id   uuid   NOT NULL,
  state      text   NOT NULL,
  generation bigint NOT NULL,
  CONSTRAINT clock_view_pkey PRIMARY KEY (site, clock_id)
);

-- Keys that seal the personal data of a site, themselves wrapped by the platform's key.
CREATE TABLE data_key (
  site        text        NOT NULL,
  key_id      uuid        NOT NULL,
  kek_id      text        NOT NULL,
  wrapped     bytea       NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT data_key_pkey PRIMARY KEY (site, key_id)
);

-- How staff can be reached: sealed, so that call-outs depend on nobody.
CREATE TABLE staff_contact (
  site     text    NOT NULL,
  staff    text    NOT NULL,
  language text    NOT NULL,
  retired  boolean NOT NULL,
  revision bigint  NOT NULL,
  sealed   bytea   NOT NULL,
  CONSTRAINT staff_contact_pkey PRIMARY KEY (site, staff)
);

-- One message to one person for one cause. due_time is when something happens to it next: the next
-- attempt (QUEUED), the end of a dead worker's lease (SENDING), the next page of a call-out (SENT);
-- null where nothing does. The recipient is a person token or a staff name, never an address.
CREATE TABLE message (
  site             text        NOT NULL,
  message_id       uuid        NOT NULL,
  cause            text        NOT NULL,
  template         text        NOT NULL,
  recipient_kind   text        NOT NULL,
  recipient        text        NOT NULL,
  case_id          uuid,
  incident_id      uuid,
  clock_id         uuid,
  callout_id       uuid,
  priority         smallint    NOT NULL,
  facts            jsonb       NOT NULL,
  state            text        NOT NULL,
  due_time         timestamptz,
  lease_token      uuid,
  round            integer     NOT NULL DEFAULT 1,
  page             integer     NOT NULL DEFAULT 1,
  page_max         integer     NOT NULL,
  attempt_count    integer     NOT NULL DEFAULT 0,
  defer_count      integer     NOT NULL DEFAULT 0,
  language         text        NOT NULL DEFAULT '',
  channel          text,
  provider         text,
  reason           text        NOT NULL DEFAULT '',
  create_time      timestamptz NOT NULL,
  send_time        timestamptz,
  acknowledge_time timestamptz,
  acknowledged_by  text        NOT NULL DEFAULT '',
  -- W3C trace context of the cause, so that one trace leads from a complaint to what was sent.
  traceparent      text        NOT NULL,
  revision         bigint      NOT NULL DEFAULT 1,
  CONSTRAINT message_pkey PRIMARY KEY (site, message_id),
  -- No message twice for one cause.
  CONSTRAINT message_cause_key UNIQUE (site, cause, recipient, template),
  CONSTRAINT message_state_check
    CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'ACKNOWLEDGED', 'CANCELLED')),
  CONSTRAINT message_lease_check CHECK ((state = 'SENDING') = (lease_token IS NOT NULL)),
  CONSTRAINT message_due_check CHECK (state NOT IN ('QUEUED', 'SENDING') OR due_time IS NOT NULL),
  CONSTRAINT message_end_check CHECK (state NOT IN ('FAILED', 'ACKNOWLEDGED', 'CANCELLED') OR due_time IS NULL),
  CONSTRAINT message_page_check CHECK (page BETWEEN 1 AND page_max),
  CONSTRAINT message_callout_check CHECK ((template = 'incident.callout') = (callout_id IS NOT NULL))
);

-- What is due, gravest first (P23).
CREATE INDEX message_due_idx ON message (priority, due_time) WHERE due_time IS NOT NULL;
-- Lists, newest first: ids sort by time of birth.
CREATE INDEX message_id_idx ON message (message_id);
CREATE INDEX message_case_idx ON message (site, case_id, message_id) WHERE case_id IS NOT NULL;
CREATE INDEX message_incident_idx ON message (site, incident_id, message_id) WHERE incident_id IS NOT NULL;

-- Every attempt, written before the provider is asked, ended after it answered. One without an end whose
-- message is no longer leased belonged to a worker that died.
CREATE TABLE attempt (
  site       text        NOT NULL,
  message_id uuid        NOT NULL,
  number     integer     NOT NULL,
  round      integer     NOT NULL,
  page       integer     NOT NULL,
  channel    text        NOT NULL,
  provider   text        NOT NULL,
  outcome    text        NOT NULL,
  reason     text        NOT NULL DEFAULT '',
  start_time timestamptz NOT NULL,
  end_time   timestamptz,
  CONSTRAINT attempt_pkey PRIMARY KEY (site, message_id, number),
  CONSTRAINT attempt_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id)
);

-- The local outbox: messages as written, one a page, sealed, since they name people.
CREATE TABLE kept_text (
  site       text        NOT NULL,
  message_id uuid        NOT NULL,
  page       integer     NOT NULL,
  channel    text        NOT NULL,
  sealed     bytea       NOT NULL,
  keep_time  timestamptz NOT NULL,
  CONSTRAINT kept_text_pkey PRIMARY KEY (site, message_id, page),
  CONSTRAINT kept_text_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['site', 'case_view', 'incident_view', 'clock_view', 'data_key',
                                  'staff_contact', 'message', 'attempt', 'kept_text'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', confined, app);
  END LOOP;

  -- The worker finds what is due in all sites and reads nothing else of a message.
  EXECUTE format('CREATE POLICY message_due ON message FOR SELECT TO %I USING (due_time IS NOT NULL)', worker);
  EXECUTE format('GRANT SELECT (site, message_id, priority, due_time, traceparent) ON message TO %I', worker);
END
$$;
