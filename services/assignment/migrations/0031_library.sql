-- The solution library: one entry a case.
CREATE UNIQUE INDEX matter_library_case ON matter (site, case_id) WHERE kind = 'LIBRARY';
