-- A review says something of the terms that it read: how many were given before the terms were last written. What those say counts no
-- more, though the terms read the same again. 0 for what was revised before this was kept: there the digest alone tells.
ALTER TABLE solution ADD COLUMN former_reviews integer NOT NULL DEFAULT 0;
