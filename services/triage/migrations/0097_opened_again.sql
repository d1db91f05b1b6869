-- The earlier cases of its people that were resolved when a case came in and that it had opened again (decision 69). They have
-- been handled by then, wherever they stand now, and are asked for once.
ALTER TABLE case_file ADD COLUMN again_of uuid[] NOT NULL DEFAULT '{}';
