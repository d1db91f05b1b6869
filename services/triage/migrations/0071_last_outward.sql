-- When a person last went to the customer, whatever was said: a word that is entered late promised nothing that a later
-- one has not kept (M16). Cases of before have none until the next word.
ALTER TABLE case_file ADD COLUMN last_outward timestamptz;
