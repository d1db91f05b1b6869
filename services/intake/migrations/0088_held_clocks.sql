-- Whether a promise stands still: who reads the case must not see it count down.
ALTER TABLE case_clock ADD COLUMN held boolean NOT NULL DEFAULT false;
