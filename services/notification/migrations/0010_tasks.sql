-- What machines do not carry: tasks for people, and the stream to which apps and portals subscribe.

-- Who is on duty, from assignment: tasks are put to the front office or the duty lead. Replaced whole.
CREATE TABLE duty_roster (
  site     text   NOT NULL,
  revision bigint NOT NULL,
  CONSTRAINT duty_roster_pkey PRIMARY KEY (site)
);
CREATE TABLE duty_slot (
  site       text        NOT NULL,
  role       text        NOT NULL,
  staff      text        NOT NULL,
  rank       integer     NOT NULL,
  start_time timestamptz NOT NULL,
  end_time   timestamptz
);
CREATE INDEX duty_slot_idx ON duty_slot (site, role, start_time);

-- One thing for a person to do about one message. Address and text are sealed; they are shown to whoever took it.
CREATE TABLE task (
  site        text        NOT NULL,
  task_id     uuid        NOT NULL,
  kind        text        NOT NULL,
  state       text        NOT NULL,
  -- Which duty it waits for, and who held it when the task was made: `sites/{site}/staff/{staff}` or empty.
  role        text        NOT NULL,
  offered_to  text        NOT NULL,
  message_id  uuid        NOT NULL,
  round       integer     NOT NULL,
  page        integer     NOT NULL,
  -- The attempt that it is; 0 where it stands for a message that failed.
  attempt     integer     NOT NULL,
  case_id     uuid,
  -- Why the message failed, UPPER_SNAKE; empty for calls and letters.
  reason      text        NOT NULL,
  due_time    timestamptz NOT NULL,
  sealed      bytea,
  taken_by    text        NOT NULL DEFAULT '',
  take_time   timestamptz,
  outcome     text        NOT NULL DEFAULT '',
  done_by     text        NOT NULL DEFAULT '',
  done_time   timestamptz,
  create_time timestamptz NOT NULL,
  revision    bigint      NOT NULL DEFAULT 1,
  CONSTRAINT task_pkey PRIMARY KEY (site, task_id),
  -- An attempt that is repeated because its end got lost makes no second task.
  CONSTRAINT task_once UNIQUE (site, message_id, kind, round, page),
  CONSTRAINT task_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id),
  CONSTRAINT task_kind_check CHECK (kind IN ('CALL', 'LETTER', 'UNREACHED')),
  CONSTRAINT task_state_check CHECK (state IN ('OPEN', 'CLAIMED', 'DONE')),
  CONSTRAINT task_taken_check CHECK (state <> 'CLAIMED' OR (taken_by <> '' AND take_time IS NOT NULL)),
  CONSTRAINT task_done_check CHECK ((state = 'DONE') = (outcome <> '') AND (state = 'DONE') = (done_time IS NOT NULL))
);
CREATE INDEX task_id_idx ON task (task_id);
CREATE INDEX task_open_idx ON task (site, due_time) WHERE state <> 'DONE';

-- What apps and portals are told, one row a page; only added to, and purged by age. The row is its own change:
-- a watch reads in the order of (xid, id) below pg_snapshot_xmin.
CREATE TABLE app_notice (
  xid            xid8        NOT NULL DEFAULT pg_current_xact_id(),
  id             bigint      GENERATED ALWAYS AS IDENTITY,
  site           text        NOT NULL,
  message_id     uuid        NOT NULL,
  page           integer     NOT NULL,
  template       text        NOT NULL,
  recipient_kind text        NOT NULL,
  recipient      text        NOT NULL,
  case_id        uuid,
  sealed         bytea       NOT NULL,
  create_time    timestamptz NOT NULL,
  CONSTRAINT app_notice_pkey PRIMARY KEY (xid, id),
  CONSTRAINT app_notice_once UNIQUE (site, message_id, page),
  CONSTRAINT app_notice_message_fkey FOREIGN KEY (site, message_id) REFERENCES message (site, message_id)
);
CREATE INDEX app_notice_recipient_idx ON app_notice (site, recipient, xid, id);
CREATE INDEX app_notice_time_idx ON app_notice (create_time);
-- Up to where notices were purged: an older resume token is answered "list again".
CREATE TABLE app_notice_floor (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  xid xid8   NOT NULL,
  id  bigint NOT NULL
);
INSERT INTO app_notice_floor (xid, id) VALUES ('0', 0);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['duty_roster', 'duty_slot', 'task', 'app_notice'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', confined, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON duty_roster, task TO %I', app);
  EXECUTE format('GRANT DELETE ON duty_slot TO %I', app);
  EXECUTE format('GRANT SELECT ON app_notice_floor TO %I', app);

  -- Whoever may not see a message sees no task and no notice of it: the message's own policies decide.
  FOREACH confined IN ARRAY ARRAY['task', 'app_notice'] LOOP
    EXECUTE format('CREATE POLICY %I ON %I AS RESTRICTIVE TO %I USING (
      asking_staff() IS NULL OR EXISTS (
        SELECT FROM message m WHERE m.site = %I.site AND m.message_id = %I.message_id))',
      confined || '_complained_about', confined, app, confined, confined);
  END LOOP;

  -- The worker purges by age and reads nothing else.
  EXECUTE format('GRANT SELECT (ctid, xid, id, create_time), DELETE ON app_notice TO %I', worker);
  EXECUTE format('CREATE POLICY app_notice_worker ON app_notice TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT, UPDATE ON app_notice_floor TO %I', worker);
END
$$;
