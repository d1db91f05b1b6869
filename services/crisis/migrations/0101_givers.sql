-- Whoever wrote a statement picks nobody who approves it (I7), whichever way somebody came by the role: by an offer as by an appointment,
-- from the author or from somebody whom the author put there. So a role, an offer and an appointment keep by whose word they are: whoever
-- gave it, then whoever gave that person the right to, each as {"subject": …, "staff": …} with the name on the roster where the token had one.
ALTER TABLE incident_role ADD COLUMN givers jsonb NOT NULL DEFAULT '[]';
-- NULL in rows of an older release: offered_by and offerer tell who it was.
ALTER TABLE incident_handover ADD COLUMN givers jsonb;
-- Beyond the appointer, whom the row names.
ALTER TABLE incident_deputy ADD COLUMN givers jsonb NOT NULL DEFAULT '[]';
-- By whose word the reviewer had the role of the step: a text that is changed back is not approved by those whom its author picked.
ALTER TABLE statement_review ADD COLUMN givers jsonb NOT NULL DEFAULT '[]';
-- Whoever links incidents brings the people of the other in: the person on a roster, `sites/{site}/staff/{staff}`. NULL where the token
-- named none, and in rows of an older release.
ALTER TABLE incident_link ADD COLUMN staff text;

-- Roles that were handed over before. Row security holds for the owner too, who acts for no site: without this the rows would not be
-- there.
ALTER TABLE incident_role NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_handover NO FORCE ROW LEVEL SECURITY;
UPDATE incident_role r
SET givers = jsonb_build_array(jsonb_build_object('subject', h.offered_by, 'staff', 'sites/' || h.site || '/staff/' || h.offerer))
FROM incident_handover h
WHERE h.site = r.site AND h.incident = r.incident AND h.role = r.role AND h.to_staff = r.staff AND h.state = 'ACCEPTED'
  AND NOT EXISTS (
    SELECT FROM incident_handover n
    WHERE n.site = h.site AND n.incident = h.incident AND n.role = h.role AND n.state = 'ACCEPTED' AND n.number > h.number);
ALTER TABLE incident_handover FORCE ROW LEVEL SECURITY;
ALTER TABLE incident_role FORCE ROW LEVEL SECURITY;
