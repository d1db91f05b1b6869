-- What was known before the deadlines of the law had clocks starts none: its time is long over, and nobody is paged for it now
-- (decision 60). The rows that there are take the first default, whoever their site lets see them; those of an older release
-- that still runs beside this one, and all later ones, take the second.
ALTER TABLE signal ADD COLUMN before_law boolean NOT NULL DEFAULT true;
ALTER TABLE signal ALTER COLUMN before_law SET DEFAULT false;
