-- When a promise was made, or made anew, as far as triage knew: a question that is entered late asks for its answer from the
-- past on, and who would have been told of it then is not told now. Promises of before were made when their row was.
ALTER TABLE clock ADD COLUMN made_time timestamptz;
