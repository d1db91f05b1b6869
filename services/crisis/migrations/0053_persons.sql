-- Whoever leads from another site writes and reviews here too. Four eyes are a person's, whichever account was used, so
-- the person's own site is kept; NULL: the statement's.
ALTER TABLE statement_version ADD COLUMN staff_site text;
ALTER TABLE statement_review ADD COLUMN staff_site text;
