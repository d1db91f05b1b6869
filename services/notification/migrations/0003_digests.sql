-- Many warnings and breaches at once reach a person as one digest. Each stays a message of its own, BUNDLED,
-- and says which digest tells it; the digest is a message like any other. Never about grade 1.

ALTER TABLE message
  -- The digest that tells it.
  ADD COLUMN digest_id uuid,
  -- Which change of the clock it tells, so that its owner knows what was acknowledged; 0 where none.
  ADD COLUMN clock_generation bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT message_digest_fkey FOREIGN KEY (site, digest_id) REFERENCES message (site, message_id),
  ADD CONSTRAINT message_digest_check CHECK (digest_id IS NULL OR (priority = 2 AND template <> 'clock.digest')),
  ADD CONSTRAINT message_bundled_check CHECK (state <> 'BUNDLED' OR digest_id IS NOT NULL),
  DROP CONSTRAINT message_state_check,
  ADD CONSTRAINT message_state_check
    CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'ACKNOWLEDGED', 'CANCELLED', 'BUNDLED'));

-- What a digest tells.
CREATE INDEX message_digest_idx ON message (site, digest_id, message_id) WHERE digest_id IS NOT NULL;
-- How many a person got lately.
CREATE INDEX message_burst_idx ON message (site, recipient, create_time) WHERE priority = 2 AND digest_id IS NULL;
-- The digest that still takes more.
CREATE INDEX message_open_digest_idx ON message (site, recipient)
  WHERE template = 'clock.digest' AND state = 'QUEUED' AND attempt_count = 0;
