-- Pages about broken promises: who was paged and has to acknowledge, and what waits for somebody to come on
-- duty. What was told is no part of a clock's fold; it stands beside it.

ALTER TABLE clock
  -- Where paging stands: NONE, OPEN (to be acknowledged), ACKNOWLEDGED, WAITING (nobody on duty could be told),
  -- UNANSWERED (nobody on duty acknowledged, up to the last rung).
  ADD COLUMN page_state text NOT NULL DEFAULT 'NONE',
  -- When paging goes on: the end of the time to acknowledge, or when somebody comes on duty. NULL where it does not
  -- by itself.
  ADD COLUMN page_time timestamptz,
  ADD CONSTRAINT clock_page_state CHECK (page_state IN ('NONE', 'OPEN', 'ACKNOWLEDGED', 'WAITING', 'UNANSWERED')),
  ADD CONSTRAINT clock_page_time CHECK (page_time IS NULL OR page_state IN ('OPEN', 'WAITING', 'UNANSWERED'));
-- What a new roster may end, and what an operator watches.
CREATE INDEX clock_unheard ON clock (page_state, site, id) WHERE page_state IN ('WAITING', 'UNANSWERED');

-- One row a page. Rows are added, and acknowledged.
CREATE TABLE clock_page (
  site             text NOT NULL,
  clock_id         uuid NOT NULL,
  -- The change of the clock that told it: with the person this is what an acknowledgement names.
  generation       bigint NOT NULL,
  -- Rung of the lead ladder, from 1.
  rung             smallint NOT NULL,
  round            integer NOT NULL,
  staff            text NOT NULL,
  -- How often this person was paged on this rung, this page included.
  page             smallint NOT NULL,
  send_time        timestamptz NOT NULL,
  -- Until when to acknowledge.
  answer_time      timestamptz NOT NULL,
  acknowledge_time timestamptz,
  CONSTRAINT clock_page_key PRIMARY KEY (site, clock_id, generation, rung),
  CONSTRAINT clock_page_clock FOREIGN KEY (site, clock_id) REFERENCES clock (site, id)
);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  ALTER TABLE clock_page ENABLE ROW LEVEL SECURITY;
  ALTER TABLE clock_page FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY app ON clock_page TO %I USING (redress_in_scope(site))', app);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON clock_page TO %I', app);
  -- How many promises nobody heard of is counted over all sites.
  EXECUTE format('GRANT SELECT (page_state) ON clock TO %I', worker);
END
$$;
