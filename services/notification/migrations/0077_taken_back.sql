-- What apps and portals were told of a digest is taken back where something leaves the digest to be told by itself (P22),
-- and told anew as it is then. The highest edition of a page stands. A release that does not know of editions tells the first.

ALTER TABLE app_notice
  ADD COLUMN edition   integer NOT NULL DEFAULT 1,
  ADD COLUMN withdrawn boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT app_notice_once,
  ADD CONSTRAINT app_notice_once UNIQUE (site, message_id, page, edition);

-- Who of the staff has a task, as far as the token says it: somebody whom the case accuses later has it no more (section 7).
ALTER TABLE task ADD COLUMN taker text NOT NULL DEFAULT '';

-- Row security holds for the owner too, who acts for no site, so that 0002 filled nothing: what was said of the incidents of
-- that time, before they changed again, was shown to whom their cases accuse.
ALTER TABLE incident_view NO FORCE ROW LEVEL SECURITY;
UPDATE incident_view SET ever_case_ids = ARRAY(SELECT unnest(ever_case_ids) UNION SELECT unnest(case_ids) ORDER BY 1)
WHERE NOT ever_case_ids @> case_ids;
ALTER TABLE incident_view FORCE ROW LEVEL SECURITY;
