-- A call or a letter is told once a person has told it, not once they were asked to.
ALTER TABLE message
  DROP CONSTRAINT message_state_check,
  ADD CONSTRAINT message_state_check
    CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'ACKNOWLEDGED', 'CANCELLED', 'BUNDLED', 'HELD', 'ASKED'));

-- How much of a solution may be promised to the complainant (M10): from assignment, fenced by the solution's revision.
CREATE TABLE promised_sum (
  site            text           NOT NULL,
  solution_id     uuid           NOT NULL,
  case_id         uuid           NOT NULL,
  epoch           bigint         NOT NULL,
  may_be_promised boolean        NOT NULL,
  sum             numeric(18, 2) NOT NULL,
  expire_time     timestamptz,
  revision        bigint         NOT NULL,
  CONSTRAINT promised_sum_pkey PRIMARY KEY (site, solution_id)
);
CREATE INDEX promised_sum_case_idx ON promised_sum (site, case_id);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  ALTER TABLE promised_sum ENABLE ROW LEVEL SECURITY;
  ALTER TABLE promised_sum FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY promised_sum_in_scope ON promised_sum TO %I
    USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON promised_sum TO %I', app);
END
$$;
