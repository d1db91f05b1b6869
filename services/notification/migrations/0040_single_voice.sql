-- Single voice: while an incident is open, what would go to those whom it affects waits for the spokesperson.

ALTER TABLE message
  DROP CONSTRAINT message_state_check,
  ADD CONSTRAINT message_state_check
    CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'ACKNOWLEDGED', 'CANCELLED', 'BUNDLED', 'HELD'));

-- Stood down: nothing is held for it any more; what was held still waits for a decision.
ALTER TABLE incident_view ADD COLUMN closed boolean NOT NULL DEFAULT false;
CREATE INDEX incident_view_open ON incident_view (site) WHERE NOT merged AND NOT closed;

-- What a promise is and when it is due: by when a held message has to be decided.
ALTER TABLE clock_view
  ADD COLUMN case_id  uuid,
  ADD COLUMN kind     text NOT NULL DEFAULT '',
  ADD COLUMN due_time timestamptz;
CREATE INDEX clock_view_case ON clock_view (site, case_id) WHERE case_id IS NOT NULL;

-- One row a message that was ever held; it stays when it is decided.
CREATE TABLE held_message (
  site        text        NOT NULL,
  message_id  uuid        NOT NULL,
  -- The one that holds it now: follows a merge.
  incident_id uuid        NOT NULL,
  case_id     uuid,
  hold_time   timestamptz NOT NULL,
  -- By when it is to be decided.
  due_time    timestamptz NOT NULL,
  -- Whom that was told: 0 nobody, 1 the spokesperson, 2 the top lead too.
  told        smallint    NOT NULL DEFAULT 0,
  -- Empty while it waits.
  decision    text        NOT NULL DEFAULT '' CONSTRAINT held_message_decision CHECK (decision IN ('', 'RELEASED', 'DROPPED')),
  decided_by  text        NOT NULL DEFAULT '',
  reason      text        NOT NULL DEFAULT '',
  decide_time timestamptz,
  CONSTRAINT held_message_key PRIMARY KEY (site, message_id),
  CONSTRAINT held_message_message FOREIGN KEY (site, message_id) REFERENCES message (site, message_id),
  CONSTRAINT held_message_decided CHECK ((decision = '') = (decide_time IS NULL) AND (decision = '') = (reason = ''))
);
CREATE INDEX held_message_id ON held_message (message_id);
CREATE INDEX held_message_waits ON held_message (site, incident_id) WHERE decision = '';
CREATE INDEX held_message_case ON held_message (site, case_id) WHERE decision = '';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE held_message ENABLE ROW LEVEL SECURITY;
  ALTER TABLE held_message FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY held_message_in_scope ON held_message TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON held_message TO %I', app);
  -- Whoever may not see a message does not see that it is held: the message's own policies decide.
  EXECUTE format('CREATE POLICY held_message_complained_about ON held_message AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR EXISTS (
      SELECT FROM message m WHERE m.site = held_message.site AND m.message_id = held_message.message_id))', app);
END
$$;
