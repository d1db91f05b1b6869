-- An agenda tells what happened until its briefing was held; questions and promises of it are noted afterwards, until the release, and what was
-- answered in the notes of the one before it is not told again. NULL of one that
-- was released before this was kept: it told everything until its release.
ALTER TABLE briefing ADD COLUMN until_time timestamptz;
ALTER TABLE briefing ADD COLUMN since_number integer;
ALTER TABLE briefing ADD COLUMN since_noted bigint;
ALTER TABLE briefing ADD COLUMN noted_log bigint;

-- The person on the roster who changed what an incident is run by: an author does not lower the quorum of what they wrote (I7), under whichever
-- account. Empty where it opened by itself, or was changed before this was kept.
ALTER TABLE incident_terms ADD COLUMN actor_staff text NOT NULL DEFAULT '';

-- Whoever told something: nobody checks what they said themselves.
ALTER TABLE incident_update ADD COLUMN actor_staff text NOT NULL DEFAULT '';
