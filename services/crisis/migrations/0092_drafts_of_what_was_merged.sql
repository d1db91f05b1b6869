-- Drafts of an incident that was merged go on in the one that stays. Those of earlier mergers stayed behind, where nobody could change,
-- publish or drop them: they follow now. What was approved of them names the incident that ended, and counts no more (I7).
-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
ALTER TABLE statement NO FORCE ROW LEVEL SECURITY;
UPDATE statement s SET incident = i.merged_into, revision = s.revision + 1
FROM incident i
WHERE i.site = s.site AND i.id = s.incident AND i.merged_into IS NOT NULL AND s.state = 'DRAFT';
ALTER TABLE incident FORCE ROW LEVEL SECURITY;
ALTER TABLE statement FORCE ROW LEVEL SECURITY;
