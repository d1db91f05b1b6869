-- The case that a merged one was merged into: that head is decided with its facts too.
ALTER TABLE case_file ADD COLUMN merged_into uuid;
CREATE INDEX case_file_of_head ON case_file (site, merged_into) WHERE merged_into IS NOT NULL;
