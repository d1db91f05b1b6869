-- What apps and portals were told of a digest is taken back where something leaves the digest to be told by itself (P22),
-- and told anew as it is then. The highest edition of a page stands. A release that does not know of editions tells the first.

ALTER TABLE app_notice
  ADD COLUMN edition   integer NOT NULL DEFAULT 1,
  ADD COLUMN withdrawn boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT app_notice_once,
  ADD CONSTRAINT app_notice_once UNIQUE (site, message_id, page, edition);

-- Who of the staff has a task, as far as the token says it: somebody whom the case accuses later has it no more (section 7).
ALTER TABLE task ADD COLUMN taker text NOT NULL DEFAULT '';
