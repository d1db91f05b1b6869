-- What people who read English are told that departments and staff are called; empty: their names.
ALTER TABLE department ADD COLUMN display_name_en text NOT NULL DEFAULT '';
ALTER TABLE staff ADD COLUMN display_name_en text NOT NULL DEFAULT '';
