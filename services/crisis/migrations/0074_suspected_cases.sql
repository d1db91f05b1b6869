-- Whether a case is grade 1 on a suspicion that nobody answered, so that an incident can be weighed again by the cases that
-- stay when one leaves it. Of cases that are here already the incident says it.
ALTER TABLE case_file ADD COLUMN provisional boolean NOT NULL DEFAULT false;

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_file NO FORCE ROW LEVEL SECURITY;
UPDATE case_file c SET provisional = true FROM incident i
WHERE i.site = c.site AND i.id = c.incident AND i.provisional AND c.grade = 1;
ALTER TABLE case_file FORCE ROW LEVEL SECURITY;
ALTER TABLE incident FORCE ROW LEVEL SECURITY;
