-- Next words promised to the customer that no word has kept and that are due after the one on the clock: a word that is entered
-- late may keep that one and not these (M16, I3). A list of when each was promised and until when; of cases of before it is empty.
-- An older release neither adds to it nor takes from it; what a word has kept meanwhile goes with the next.
ALTER TABLE case_file ADD COLUMN promised_later jsonb NOT NULL DEFAULT '[]';
