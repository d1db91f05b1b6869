-- The agency store that complains about the store of the case (M17): its id, as intake says it. NULL for a customer's complaint.
ALTER TABLE work ADD COLUMN complaining_store text;
