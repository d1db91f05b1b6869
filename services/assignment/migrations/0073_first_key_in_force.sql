-- Keys are made by what all services share, which names only what all their tables have.
ALTER TABLE data_key ALTER COLUMN active SET DEFAULT true;
