-- When a case ended; NULL while it has not. What was said to its customer before that counts, though it comes here after the end
-- (I3). Of a case that had ended before the column was it is not known: what came before its resolution counts.
ALTER TABLE case_file ADD COLUMN ended_since timestamptz;
-- Whether a message about the case waits for the spokesperson of an incident: the hold for it ends with a resolution and is set
-- again by a reopening. Of what waited before the column was the next message tells.
ALTER TABLE case_file ADD COLUMN voice_waits boolean NOT NULL DEFAULT false;
-- By which channel the customer asked for what is promised, as the last event that made the clock says; NULL where the channel of
-- the case says it. An older release makes a clock anew without it: what the fold gives is written with the next event.
ALTER TABLE clock ADD COLUMN channel text;
