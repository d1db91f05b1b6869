-- An agenda tells what happened until its briefing was held; questions and promises of it are noted afterwards, until the release. NULL of one that
-- was released before this was kept: it told everything until its release.
ALTER TABLE briefing ADD COLUMN until_time timestamptz;
ALTER TABLE briefing ADD COLUMN since_noted bigint;
ALTER TABLE briefing ADD COLUMN noted_log bigint;

-- The person on the roster who changed what an incident is run by: an author does not lower the quorum of what they wrote (I7), under whichever
-- account. Empty where it opened by itself, or was changed before this was kept.
ALTER TABLE incident_terms ADD COLUMN actor_staff text NOT NULL DEFAULT '';
