-- Until when the media desk of a case's incident has said of every report what is true of it: what has to be clarified of them
-- the desk watches (M17). NULL where no desk has. Nobody who does not know of it reads or writes it.
ALTER TABLE case_file ADD COLUMN assessed_until timestamptz;
