-- Since when a message waits for machines that rest: people are asked in their place once that has lasted, however long the
-- message has waited for anything else. Null while it waits for none; what waits now begins to count anew.

ALTER TABLE message ADD COLUMN rest_time timestamptz;
