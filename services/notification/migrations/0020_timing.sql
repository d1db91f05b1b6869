-- When messages may be sent: quiet hours and rates are data of a site, customers have preferences of their
-- own, and staff off duty are not reminded (P07). Customers appear by person token alone.

-- What a site decided; without a row the defaults hold. Quiet hours are HH:MM on the reader's clock.
CREATE TABLE delivery_policy (
  site              text    NOT NULL,
  quiet_start       text    NOT NULL,
  quiet_end         text    NOT NULL,
  customer_burst    integer NOT NULL,
  customer_per_hour integer NOT NULL,
  staff_burst       integer NOT NULL,
  staff_per_hour    integer NOT NULL,
  revision          bigint  NOT NULL,
  CONSTRAINT delivery_policy_pkey PRIMARY KEY (site),
  CONSTRAINT delivery_policy_rate_check
    CHECK (least(customer_burst, customer_per_hour, staff_burst, staff_per_hour) >= 1)
);

-- How a customer wants to be reached. Empty and null mean: as the case or the site has it.
CREATE TABLE preference (
  site        text        NOT NULL,
  person      text        NOT NULL,
  channels    text[]      NOT NULL,
  language    text        NOT NULL,
  time_zone   text        NOT NULL,
  quiet_start text,
  quiet_end   text,
  refused     text[]      NOT NULL,
  update_time timestamptz NOT NULL,
  revision    bigint      NOT NULL,
  CONSTRAINT preference_pkey PRIMARY KEY (site, person),
  CONSTRAINT preference_quiet_check CHECK ((quiet_start IS NULL) = (quiet_end IS NULL))
);

-- Token buckets: how many messages a reader may still get at once.
CREATE TABLE send_bucket (
  site      text             NOT NULL,
  recipient text             NOT NULL,
  tokens    double precision NOT NULL,
  time      timestamptz      NOT NULL,
  CONSTRAINT send_bucket_pkey PRIMARY KEY (site, recipient)
);

-- When somebody is at work, to remind nobody who is not.
CREATE INDEX duty_slot_staff_idx ON duty_slot (site, staff);

-- What gateways reported of a message that they had taken.
ALTER TABLE message
  ADD COLUMN deliver_time timestamptz,
  ADD COLUMN read_time    timestamptz;

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  confined text;
BEGIN
  FOREACH confined IN ARRAY ARRAY['delivery_policy', 'preference', 'send_bucket'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', confined);
    EXECUTE format('CREATE POLICY %I ON %I TO %I USING (redress_in_scope(site)) WITH CHECK (redress_in_scope(site))',
      confined || '_in_scope', confined, app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO %I', confined, app);
  END LOOP;
END
$$;

-- What a customer was ever told, to know that a preference is somebody's.
CREATE INDEX message_customer_idx ON message (site, recipient) WHERE recipient_kind = 'COMPLAINANT';
