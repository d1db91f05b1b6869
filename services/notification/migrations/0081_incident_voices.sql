-- Who speaks for an incident by its own command: the spokesperson first, then whoever acts for them, by full names, each until
-- when (null: no end). Empty until crisis says it, and from a release of crisis that does not: then the roster's spokesperson
-- is asked, as before.

ALTER TABLE incident_view
  ADD COLUMN voices       text[]        NOT NULL DEFAULT '{}',
  ADD COLUMN voices_until timestamptz[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT incident_view_voices CHECK (cardinality(voices) = cardinality(voices_until));
