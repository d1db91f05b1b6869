-- Whoever offered a role is told when nobody answers (M12): the person on the roster of the incident's site. NULL where the token named
-- none of it, and in rows of an older release; the holder of the role is told instead.
ALTER TABLE incident_handover ADD COLUMN offerer text;
