-- What readers of English are told that a site and a department are called; empty: their names.
ALTER TABLE site ADD COLUMN display_name_en text NOT NULL DEFAULT '';
ALTER TABLE staff_contact ADD COLUMN department_en text NOT NULL DEFAULT '';
