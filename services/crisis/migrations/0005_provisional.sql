-- An incident that hangs on suspicions which nobody answered: people inside are called, and nothing leaves
-- (domain.md section 4). A confirmed grade 1 of one of its cases ends that.
ALTER TABLE incident ADD COLUMN provisional boolean NOT NULL DEFAULT false;
