-- Whoever praised somebody by name in a survey is thanked (M02). The address of a customer without a case, sealed as it was
-- while the survey was open, is kept until then and no longer.
ALTER TABLE survey ADD COLUMN thanks_contact bytea;
