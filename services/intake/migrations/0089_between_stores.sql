-- The agency store that complains about the store of the case (M17): its id. NULL for a customer's complaint, and of what an older
-- release took in.
ALTER TABLE complaint ADD COLUMN complaining_store text;
