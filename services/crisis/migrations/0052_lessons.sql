-- What reviews teach the playbooks (section 9, M01): proposed at the site, decided for the whole organization. What was
-- proposed never changes; another wording is another lesson.
CREATE TABLE review_lesson (
  site              text NOT NULL,
  id                uuid NOT NULL,
  incident          uuid NOT NULL,
  playbook          text NOT NULL,
  stage             text NOT NULL,
  kind              text NOT NULL CONSTRAINT review_lesson_kind CHECK (kind IN ('GOAL', 'TASK')),
  text_zh           text NOT NULL,
  text_en           text NOT NULL,
  -- A task's; NULL for a goal.
  key               text,
  owner             text,
  within            text,
  optional          boolean NOT NULL,
  -- What happened that teaches it.
  reason            text NOT NULL,
  proposed_by       text NOT NULL,
  propose_time      timestamptz NOT NULL,
  state             text NOT NULL CONSTRAINT review_lesson_state CHECK (state IN ('PROPOSED', 'ACCEPTED', 'DECLINED')),
  decided_by        text,
  decide_time       timestamptz,
  decision          text,
  -- The revision of the organization's playbook that has it.
  playbook_revision integer,
  revision          bigint NOT NULL,
  CONSTRAINT review_lesson_key PRIMARY KEY (site, id),
  CONSTRAINT review_lesson_review FOREIGN KEY (site, incident) REFERENCES review (site, incident),
  CONSTRAINT review_lesson_task CHECK ((kind = 'TASK') = (key IS NOT NULL) AND num_nulls(key, owner, within) IN (0, 3)),
  CONSTRAINT review_lesson_decided CHECK ((state = 'PROPOSED') = (decide_time IS NULL)
    AND num_nulls(decided_by, decide_time, decision) IN (0, 3) AND (state = 'ACCEPTED') = (playbook_revision IS NOT NULL))
);
CREATE INDEX review_lesson_newest ON review_lesson (site, propose_time DESC, id DESC);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE review_lesson ENABLE ROW LEVEL SECURITY;
  ALTER TABLE review_lesson FORCE ROW LEVEL SECURITY;
  EXECUTE format('GRANT SELECT, INSERT ON review_lesson TO %I', app);
  EXECUTE format('GRANT UPDATE (state, decided_by, decide_time, decision, playbook_revision, revision) ON review_lesson TO %I', app);
  EXECUTE format('CREATE POLICY app ON review_lesson TO %I USING (redress_in_scope(site))', app);
END
$$;
