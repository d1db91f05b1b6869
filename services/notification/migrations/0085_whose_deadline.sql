-- A writer makes no deadline that lets their own words pass the spokesperson: on whose word a promise runs and when that was
-- entered, and since when an incident is open here. Null and empty for what was heard of before this: it counts as it did.

ALTER TABLE clock_view
  ADD COLUMN made_time timestamptz,
  ADD COLUMN made_by   text NOT NULL DEFAULT '';

ALTER TABLE incident_view ADD COLUMN open_time timestamptz;

-- What one person was told.
CREATE INDEX message_staff_idx ON message (site, recipient, message_id) WHERE recipient_kind = 'STAFF';
