-- The media desk: inquiries that wait for an answer, and exposures with what is true of them.

-- Keys that seal the personal data of a site, themselves wrapped by the platform's key.
CREATE TABLE data_key (
  site        text        NOT NULL,
  key_id      uuid        NOT NULL,
  kek_id      text        NOT NULL,
  wrapped     bytea       NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT data_key_pkey PRIMARY KEY (site, key_id)
);

CREATE TABLE media_inquiry (
  site         text NOT NULL,
  id           uuid NOT NULL,
  incident     uuid NOT NULL,
  outlet       text NOT NULL,
  rank         text NOT NULL,
  -- Name and ways of the journalist, sealed; NULL where nobody is named.
  journalist   bytea,
  question     text NOT NULL,
  receive_time timestamptz NOT NULL,
  due_time     timestamptz NOT NULL,
  -- Nothing of the answer is printed before; NULL where none was agreed.
  embargo_time timestamptz,
  state        text NOT NULL CONSTRAINT media_inquiry_state CHECK (state IN ('OPEN', 'ANSWERED', 'DECLINED')),
  -- The statement that answers it, and as exactly what.
  statement    uuid,
  digest       bytea,
  reason       text NOT NULL DEFAULT '',
  decided_by   text NOT NULL DEFAULT '',
  decide_time  timestamptz,
  recorded_by  text NOT NULL,
  create_time  timestamptz NOT NULL,
  revision     bigint NOT NULL,
  CONSTRAINT media_inquiry_key PRIMARY KEY (site, id),
  CONSTRAINT media_inquiry_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id),
  CONSTRAINT media_inquiry_statement FOREIGN KEY (site, statement) REFERENCES statement (site, id),
  CONSTRAINT media_inquiry_decided CHECK ((state = 'OPEN') = (decide_time IS NULL)),
  CONSTRAINT media_inquiry_answered CHECK ((state = 'ANSWERED') = (statement IS NOT NULL)
                                      AND (statement IS NULL) = (digest IS NULL))
);
CREATE INDEX media_inquiry_of ON media_inquiry (site, incident, id);

CREATE TABLE media_exposure (
  site         text NOT NULL,
  id           uuid NOT NULL,
  incident     uuid NOT NULL,
  outlet       text NOT NULL,
  rank         text NOT NULL,
  medium       text NOT NULL,
  link         text NOT NULL,
  reach        bigint NOT NULL CONSTRAINT media_exposure_reach CHECK (reach >= 0),
  publish_time timestamptz NOT NULL,
  -- Empty until somebody said whether it is so.
  truth        text NOT NULL DEFAULT '' CONSTRAINT media_exposure_truth CHECK (truth IN ('', 'TRUE', 'PARTLY', 'FALSE', 'TAKEN_AS_TRUE')),
  -- By when a false one has to be clarified; NULL where nothing has to be.
  clarify_due  timestamptz,
  -- Where and by what it was clarified.
  clarified    jsonb,
  recorded_by  text NOT NULL,
  create_time  timestamptz NOT NULL,
  update_time  timestamptz NOT NULL,
  revision     bigint NOT NULL,
  CONSTRAINT media_exposure_key PRIMARY KEY (site, id),
  CONSTRAINT media_exposure_incident FOREIGN KEY (site, incident) REFERENCES incident (site, id)
);
CREATE INDEX media_exposure_of ON media_exposure (site, incident, id);

-- What was said of an exposure. Rows are only added.
CREATE TABLE media_assessment (
  site        text NOT NULL,
  exposure    uuid NOT NULL,
  number      bigint NOT NULL,
  truth       text NOT NULL,
  reach       bigint NOT NULL,
  reason      text NOT NULL,
  -- Subject of a token; empty where nobody clarified in time.
  actor       text NOT NULL,
  assess_time timestamptz NOT NULL,
  CONSTRAINT media_assessment_key PRIMARY KEY (site, exposure, number),
  CONSTRAINT media_assessment_exposure FOREIGN KEY (site, exposure) REFERENCES media_exposure (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['data_key', 'media_inquiry', 'media_exposure', 'media_assessment'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
  END LOOP;
  EXECUTE format('GRANT UPDATE (incident, state, statement, digest, reason, decided_by, decide_time, revision) ON media_inquiry TO %I', app);
  EXECUTE format('GRANT UPDATE (incident, reach, truth, clarify_due, clarified, update_time, revision) ON media_exposure TO %I', app);
END
$$;
