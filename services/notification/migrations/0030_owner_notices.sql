-- Notices to the owners of a site about a defect of many homes (M19): written, approved by somebody else, told in
-- batches. Owners appear by person token; how to reach those of an uploaded list is sealed.

CREATE TABLE owner_notice (
  site            text        NOT NULL,
  notice_id       uuid        NOT NULL,
  state           text        NOT NULL,
  -- The complaints that it is about; null where none.
  cluster_id      uuid,
  category        text        NOT NULL,
  units           integer     NOT NULL,
  -- It came by itself, of a defect that a person accepted.
  proposed        boolean     NOT NULL,
  danger          boolean     NOT NULL,
  include_known   boolean     NOT NULL,
  chinese_subject text        NOT NULL,
  chinese_body    text        NOT NULL,
  english_subject text        NOT NULL,
  english_body    text        NOT NULL,
  -- Rises with every change of the uploaded list, so that another list is another digest.
  list_revision   integer     NOT NULL DEFAULT 0,
  -- Token subjects and staff names of everybody who had a part in it: none of them approves.
  authors         text[]      NOT NULL,
  -- Wording rules that were overridden when it was submitted, with the reason; empty where nothing was found.
  overridden      text[]      NOT NULL DEFAULT '{}',
  override_reason text        NOT NULL DEFAULT '',
  overridden_by   text        NOT NULL DEFAULT '',
  -- What was approved; null before.
  approved_digest bytea,
  -- The last owner who has a message, while messages are made.
  cursor          text        NOT NULL DEFAULT '',
  -- When the next batch is made, or the list forgotten; null where neither is ahead.
  due_time        timestamptz,
  create_time     timestamptz NOT NULL,
  submit_time     timestamptz,
  approve_time    timestamptz,
  release_time    timestamptz,
  withdraw_time   timestamptz,
  withdraw_reason text        NOT NULL DEFAULT '',
  revision        bigint      NOT NULL DEFAULT 1,
  CONSTRAINT owner_notice_pkey PRIMARY KEY (site, notice_id),
  CONSTRAINT owner_notice_state_check
    CHECK (state IN ('DRAFT', 'SUBMITTED', 'REJECTED', 'APPROVED', 'RELEASED', 'WITHDRAWN')),
  CONSTRAINT owner_notice_approved_check
    CHECK (state NOT IN ('APPROVED', 'RELEASED') OR (approved_digest IS NOT NULL AND approve_time IS NOT NULL)),
  CONSTRAINT owner_notice_batch_check CHECK (state <> 'APPROVED' OR due_time IS NOT NULL)
);
-- A defect proposes one notice, however often its news arrive.
CREATE UNIQUE INDEX owner_notice_proposed_key ON owner_notice (site, cluster_id) WHERE proposed;
CREATE INDEX owner_notice_id_idx ON owner_notice (notice_id);
CREATE INDEX owner_notice_due_idx ON owner_notice (due_time) WHERE due_time IS NOT NULL;

-- What others said about it; only added to.
CREATE TABLE owner_notice_review (
  site        text        NOT NULL,
  notice_id   uuid        NOT NULL,
  number      integer     NOT NULL,
  verdict     text        NOT NULL,
  digest      bytea       NOT NULL,
  reason      text        NOT NULL,
  reviewer    text        NOT NULL,
  review_time timestamptz NOT NULL,
  CONSTRAINT owner_notice_review_pkey PRIMARY KEY (site, notice_id, number),
  CONSTRAINT owner_notice_review_notice_fkey
    FOREIGN KEY (site, notice_id) REFERENCES owner_notice (site, notice_id),
  CONSTRAINT owner_notice_review_verdict_check CHECK (verdict IN ('APPROVED', 'REJECTED'))
);

-- Who is told. Those of the uploaded list have a sealed address; those known from cases join at approval and are
-- reached through a case of theirs, which intake knows.
CREATE TABLE owner_notice_recipient (
  site         text    NOT NULL,
  notice_id    uuid    NOT NULL,
  person       text    NOT NULL,
  -- Binds what is sealed to this row.
  recipient_id uuid    NOT NULL,
  sealed       bytea,
  case_id      uuid,
  -- Complained about it already, hence not told; decided at approval.
  excluded     boolean NOT NULL DEFAULT false,
  CONSTRAINT owner_notice_recipient_pkey PRIMARY KEY (site, notice_id, person),
  CONSTRAINT owner_notice_recipient_notice_fkey
    FOREIGN KEY (site, notice_id) REFERENCES owner_notice (site, notice_id)
);

-- Clusters that a case is counted in. A set, so that news of a merge and of a defect may come in any order: a case
-- stays in a cluster that was merged whole into another, and leaves one that it was split from.
ALTER TABLE case_view ADD COLUMN cluster_ids uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX case_view_cluster_idx ON case_view USING gin (cluster_ids);
CREATE INDEX case_view_person_idx ON case_view USING gin (person_tokens);

-- What was approved never changes, whatever the code does.
CREATE FUNCTION owner_notice_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.cluster_id, NEW.danger, NEW.include_known, NEW.chinese_subject, NEW.chinese_body, NEW.english_subject,
      NEW.english_body, NEW.list_revision, NEW.overridden, NEW.approved_digest)
     IS DISTINCT FROM
     (OLD.cluster_id, OLD.danger, OLD.include_known, OLD.chinese_subject, OLD.chinese_body, OLD.english_subject,
      OLD.english_body, OLD.list_revision, OLD.overridden, OLD.approved_digest) THEN
    RAISE EXCEPTION 'an approved notice does not change';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER owner_notice_stands BEFORE UPDATE ON owner_notice
  FOR EACH ROW WHEN (OLD.approved_digest IS NOT NULL) EXECUTE FUNCTION owner_notice_stands();

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['owner_notice', 'owner_notice_review', 'owner_notice_recipient'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', confined, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE ON owner_notice, owner_notice_recipient TO %I', app);
  EXECUTE format('GRANT DELETE ON owner_notice_recipient TO %I', app);

  -- The worker finds what is due in all sites and reads nothing else.
  EXECUTE format('CREATE POLICY owner_notice_due ON owner_notice FOR SELECT TO %I USING (due_time IS NOT NULL)', worker);
  EXECUTE format('GRANT SELECT (site, notice_id, due_time) ON owner_notice TO %I', worker);
END
$$;
