-- Whoever wrote of a solution never reviews it (M03), though somebody else revised it since: those who wrote its terms before, each
-- {"subject": ..., "staff": ...}. Empty for what was revised before this was kept.
ALTER TABLE solution ADD COLUMN former_authors jsonb NOT NULL DEFAULT '[]';
