-- Surveys: after five occasions a customer is asked how it was (M12). Comments and addresses are sealed; the
-- customer appears by person token.

CREATE TABLE survey (
  site           text        NOT NULL,
  survey_id      uuid        NOT NULL,
  -- Spelled from the occasion: no customer is asked twice about one.
  cause          text        NOT NULL,
  kind           text        NOT NULL,
  state          text        NOT NULL,
  person         text        NOT NULL,
  case_id        uuid,
  -- Intake's epoch of the resolution that it asks about; 0 where it asks about no case.
  epoch          bigint      NOT NULL,
  department     text        NOT NULL,
  handlers       text[]      NOT NULL,
  -- How to reach a customer without a case; null where the case says so, and once the survey has ended.
  contact        bytea,
  create_time    timestamptz NOT NULL,
  open_time      timestamptz NOT NULL,
  next_call_time timestamptz,
  score          integer,
  solved         boolean,
  comment        bytea,
  praised        text[]      NOT NULL DEFAULT '{}',
  answer_time    timestamptz,
  answered_by    text        NOT NULL DEFAULT '',
  revision       bigint      NOT NULL DEFAULT 1,
  CONSTRAINT survey_pkey PRIMARY KEY (site, survey_id),
  CONSTRAINT survey_cause_key UNIQUE (site, cause, person),
  CONSTRAINT survey_state_check CHECK (state IN ('OPEN', 'ANSWERED', 'CANCELLED')),
  CONSTRAINT survey_score_check CHECK (score BETWEEN 1 AND 5),
  CONSTRAINT survey_answer_check CHECK ((state = 'ANSWERED') = (answer_time IS NOT NULL AND score IS NOT NULL)),
  CONSTRAINT survey_end_check CHECK (state = 'OPEN' OR (next_call_time IS NULL AND contact IS NULL))
);
CREATE INDEX survey_id_idx ON survey (survey_id);
CREATE INDEX survey_case_idx ON survey (site, case_id) WHERE case_id IS NOT NULL;

-- Attempts to ask by phone: only ever added.
CREATE TABLE survey_call (
  site      text        NOT NULL,
  survey_id uuid        NOT NULL,
  number    integer     NOT NULL,
  caller    text        NOT NULL,
  call_time timestamptz NOT NULL,
  outcome   text        NOT NULL,
  CONSTRAINT survey_call_pkey PRIMARY KEY (site, survey_id, number),
  CONSTRAINT survey_call_survey_fkey FOREIGN KEY (site, survey_id) REFERENCES survey (site, survey_id)
);

-- What a survey needs to know of its case: the department, and everybody who was ever responsible.
ALTER TABLE case_view
  ADD COLUMN department text   NOT NULL DEFAULT '',
  ADD COLUMN handlers   text[] NOT NULL DEFAULT '{}';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['survey', 'survey_call'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
  END LOOP;
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON survey TO %I', app);
  EXECUTE format('GRANT SELECT, INSERT ON survey_call TO %I', app);
  -- Staff complained about do not see what the complainant says of it.
  EXECUTE format('CREATE POLICY complained_about ON survey AS RESTRICTIVE TO %I USING (
    asking_staff() IS NULL OR NOT EXISTS (
      SELECT FROM case_view c
      WHERE c.site = survey.site AND c.case_id = survey.case_id AND asking_staff() = ANY (c.complained_about)))', app);
END
$$;
