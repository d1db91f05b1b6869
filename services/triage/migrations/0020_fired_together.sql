-- Clocks that come due together fire together: the worker sorts them by site, and by whether they only tell.
-- People trapped in a lift are known from the text of a case; receipts of late clocks are listed by site.

ALTER TABLE case_file
  -- Its text says that people are trapped in a lift now. The text itself is kept nowhere here.
  ADD COLUMN trapped boolean NOT NULL DEFAULT false;

CREATE INDEX late_firing_of_site ON late_firing (site, fire_time DESC, clock_id DESC, generation DESC);

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format('GRANT SELECT (kind) ON clock TO %I', worker);
END
$$;
