-- Since when we know that its people last came back after it was handled: what a person set aside was set aside in knowledge of
-- that, and counts again with the next time (G3.3). Cases of before have none until then.
ALTER TABLE case_file ADD COLUMN again_since timestamptz;
