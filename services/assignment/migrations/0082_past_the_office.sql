-- Complainants who went over the head of the site's office (M18): who received the case, past whom, and the consent by which
-- it goes back. One row a case: whoever goes past the office again is marked anew, and has consented to nothing yet.

CREATE TABLE past_office (
  site              text NOT NULL,
  case_id           uuid NOT NULL,
  receiver          text NOT NULL,
  -- Who was responsible or asked, and for which department; NULL where there was none.
  past_staff        text,
  past_department   text,
  -- Token subject of who marked it.
  recorder          text NOT NULL,
  receive_time      timestamptz NOT NULL,
  -- The complainant's consent to go back to the office: how asked, who recorded it (a token subject), when; NULL until then.
  consent_channel   text,
  consent_recorder  text,
  consent_time      timestamptz,
  CONSTRAINT past_office_key PRIMARY KEY (site, case_id),
  CONSTRAINT past_office_work FOREIGN KEY (site, case_id) REFERENCES work (site, case_id),
  CONSTRAINT past_office_receiver FOREIGN KEY (site, receiver) REFERENCES staff (site, id),
  CONSTRAINT past_office_consent CHECK ((consent_time IS NULL) = (consent_channel IS NULL)
    AND (consent_time IS NULL) = (consent_recorder IS NULL))
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE past_office ENABLE ROW LEVEL SECURITY;
  ALTER TABLE past_office FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON past_office TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON past_office TO %I', app);
END
$$;
