-- Cases and what belongs to them.
--
-- Who is looking is part of row security: staff complained about cannot see the case. A transaction sets
-- redress.viewer to the people that the caller is (a text[] literal, '{}' for nobody); while it is unset,
-- no case is visible at all, so that code which forgets to say who looks sees nothing.
CREATE FUNCTION intake_may_view(hidden_from text[]) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN NOT (hidden_from && NULLIF(current_setting('redress.viewer', true), '')::text[]);

CREATE TABLE complaint (
  site            text NOT NULL,
  id              uuid NOT NULL,
  number          text NOT NULL,
  mode            text NOT NULL,
  channel         text NOT NULL,
  received_time   timestamptz NOT NULL,
  create_time     timestamptz NOT NULL,
  update_time     timestamptz NOT NULL,
  creator         text NOT NULL,
  headcount       integer NOT NULL,
  -- Distinct people listed, known or anonymous.
  listed_count    integer NOT NULL,
  person_tokens   text[] NOT NULL,
  -- What was said and where; plain here and nowhere else. Empty once erased.
  text            text NOT NULL,
  building        text NOT NULL,
  unit            text NOT NULL,
  place_detail    text NOT NULL,
  quality_impact  text,
  wants           text,
  claim           numeric(14,2),
  assessed_claim  numeric(14,2),
  repeat          boolean NOT NULL,
  needs_advisers  boolean NOT NULL,
  signals         jsonb NOT NULL,
  stated_category text,
  language        text NOT NULL,
  first_contact_owner    text NOT NULL,
  staff_complained_about text[] NOT NULL,
  earlier_cases   uuid[] NOT NULL,
  erased          boolean NOT NULL DEFAULT false,

  status          text NOT NULL,
  status_time     timestamptz NOT NULL,
  -- Where it stood when it was merged; an undone merge goes back there.
  status_before_merge text,
  merged_into     uuid,
  epoch           bigint NOT NULL,
  revision        bigint NOT NULL,

  -- What the other services said, each with the revision it was said at.
  grade             smallint,
  criterion_ids     text[] NOT NULL DEFAULT '{}',
  nature            text,
  urgency           text,
  category          text,
  decision_revision bigint NOT NULL DEFAULT 0,
  cluster           text NOT NULL DEFAULT '',
  owner             text NOT NULL,
  offered_to        text NOT NULL DEFAULT '',
  department        text NOT NULL DEFAULT '',
  owner_revision    bigint NOT NULL DEFAULT 0,
  incident          text NOT NULL DEFAULT '',

  -- Head of the timeline's chain: finds a removed last entry, and makes appending cost one row.
  timeline_length bigint NOT NULL DEFAULT 0,
  timeline_hash   bytea NOT NULL DEFAULT '',

  CONSTRAINT complaint_key PRIMARY KEY (site, id),
  CONSTRAINT complaint_number UNIQUE (site, number),
  CONSTRAINT complaint_site FOREIGN KEY (site) REFERENCES site (id),
  CONSTRAINT complaint_merge CHECK ((status = 'MERGED') = (merged_into IS NOT NULL))
);
CREATE INDEX complaint_newest ON complaint (site, received_time DESC, id DESC);
CREATE INDEX complaint_newest_everywhere ON complaint (received_time DESC, id DESC);
CREATE INDEX complaint_owner ON complaint (owner, received_time DESC, id DESC);
CREATE INDEX complaint_merged_into ON complaint (site, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX complaint_incident ON complaint (site, incident) WHERE incident <> '';

-- People who complain. What names or reaches them is one sealed field.
CREATE TABLE complainant (
  site         text NOT NULL,
  case_id      uuid NOT NULL,
  position     integer NOT NULL,
  id           uuid NOT NULL,
  -- Keyed hashes; absent for anonymous people, and once erased.
  person_token text,
  phone_index  text,
  -- Absent once erased.
  sealed       bytea,
  CONSTRAINT complainant_key PRIMARY KEY (site, case_id, position),
  CONSTRAINT complainant_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);
CREATE INDEX complainant_person_token ON complainant (site, person_token) WHERE person_token IS NOT NULL;
CREATE INDEX complainant_phone_index ON complainant (phone_index) WHERE phone_index IS NOT NULL;

CREATE TABLE evidence (
  site          text NOT NULL,
  id            uuid NOT NULL,
  case_id       uuid NOT NULL,
  kind          text NOT NULL,
  sha256        text NOT NULL,
  size_bytes    bigint NOT NULL,
  media_type    text NOT NULL,
  captured_time timestamptz,
  kept_at       text NOT NULL,
  add_time      timestamptz NOT NULL,
  adder         text NOT NULL,
  CONSTRAINT evidence_key PRIMARY KEY (site, id),
  CONSTRAINT evidence_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);
CREATE INDEX evidence_of_case ON evidence (site, case_id, id);

-- The note of a contact lies in the personal part of its timeline entry.
CREATE TABLE contact (
  site               text NOT NULL,
  id                 uuid NOT NULL,
  case_id            uuid NOT NULL,
  direction          integer NOT NULL,
  channel            text NOT NULL,
  by_person          boolean NOT NULL,
  substantive        boolean NOT NULL,
  visit              boolean NOT NULL,
  contact_time       timestamptz NOT NULL,
  promised_next_time timestamptz,
  staff              text NOT NULL,
  sequence           bigint NOT NULL,
  CONSTRAINT contact_key PRIMARY KEY (site, id),
  CONSTRAINT contact_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);

-- Append-only and chained: `hash` covers the entry before, the facts and the commitment. Only the
-- personal part and its salt may ever be taken away.
CREATE TABLE timeline (
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  sequence    bigint NOT NULL,
  kind        text NOT NULL,
  event_time  timestamptz NOT NULL,
  record_time timestamptz NOT NULL,
  actor       text NOT NULL,
  facts       jsonb NOT NULL,
  note        text,
  salt        bytea,
  commitment  bytea,
  hash        bytea NOT NULL,
  CONSTRAINT timeline_key PRIMARY KEY (site, case_id, sequence),
  CONSTRAINT timeline_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);

-- Promises that run on a case, as triage tells them.
CREATE TABLE case_clock (
  site       text NOT NULL,
  clock      text NOT NULL,
  case_id    uuid NOT NULL,
  kind       text NOT NULL,
  state      text NOT NULL,
  start_time timestamptz NOT NULL,
  due_time   timestamptz NOT NULL,
  level      integer NOT NULL,
  generation bigint NOT NULL,
  CONSTRAINT case_clock_key PRIMARY KEY (site, clock),
  CONSTRAINT case_clock_case FOREIGN KEY (site, case_id) REFERENCES complaint (site, id)
);
CREATE INDEX case_clock_of_case ON case_clock (site, case_id);

-- What watchers read, in the order (xid, id) below the oldest running transaction.
CREATE TABLE case_change (
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id          bigint GENERATED ALWAYS AS IDENTITY,
  site        text NOT NULL,
  case_id     uuid NOT NULL,
  change_time timestamptz NOT NULL,
  CONSTRAINT case_change_key PRIMARY KEY (xid, id)
);
CREATE INDEX case_change_time ON case_change (change_time);
-- Up to where changes were purged: an older resume token is answered "list again".
CREATE TABLE case_change_floor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  xid      xid8 NOT NULL,
  id       bigint NOT NULL
);
INSERT INTO case_change_floor (xid, id) VALUES ('0', 0);

ALTER TABLE complaint ENABLE ROW LEVEL SECURITY;
ALTER TABLE complaint FORCE ROW LEVEL SECURITY;
ALTER TABLE case_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_change FORCE ROW LEVEL SECURITY;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  child text;
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON complaint TO %I', app);
  EXECUTE format('CREATE POLICY app_select ON complaint FOR SELECT TO %I
    USING (redress_in_scope(site) AND intake_may_view(staff_complained_about))', app);
  EXECUTE format('CREATE POLICY app_insert ON complaint FOR INSERT TO %I WITH CHECK (redress_in_scope(site))', app);
  EXECUTE format('CREATE POLICY app_update ON complaint FOR UPDATE TO %I
    USING (redress_in_scope(site) AND intake_may_view(staff_complained_about))
    WITH CHECK (redress_in_scope(site))', app);

  -- What belongs to a case is visible with the case.
  FOREACH child IN ARRAY ARRAY['complainant', 'evidence', 'contact', 'timeline', 'case_clock'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', child);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', child);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', child, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I
      USING (redress_in_scope(site) AND EXISTS (SELECT 1 FROM complaint c WHERE c.site = %I.site AND c.id = %I.case_id))',
      child, app, child, child);
  END LOOP;
  EXECUTE format('GRANT UPDATE (person_token, phone_index, sealed), DELETE ON complainant TO %I', app);
  EXECUTE format('GRANT UPDATE (note, salt) ON timeline TO %I', app);
  EXECUTE format('GRANT UPDATE, DELETE ON case_clock TO %I', app);

  EXECUTE format('GRANT SELECT, INSERT ON case_change TO %I', app);
  EXECUTE format('GRANT SELECT ON case_change_floor TO %I', app);
  EXECUTE format('CREATE POLICY app ON case_change TO %I USING (redress_in_scope(site))', app);
  -- The worker purges by age and remembers where.
  EXECUTE format('GRANT SELECT (ctid, xid, id, change_time), DELETE ON case_change TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON case_change TO %I USING (true)', worker);
  EXECUTE format('GRANT SELECT, UPDATE ON case_change_floor TO %I', worker);
END
$$;
