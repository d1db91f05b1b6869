-- The log of an incident is a chain (I12): each entry hashes what it says and the hash before it, and the incident remembers
-- the last one. NULL where an older release wrote the entry; the next one that is added hashes over it.
ALTER TABLE incident_log ADD COLUMN hash bytea;
ALTER TABLE incident
  ADD COLUMN log_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN log_hash  bytea  NOT NULL DEFAULT '';
