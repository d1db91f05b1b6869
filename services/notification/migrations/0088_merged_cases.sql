-- The people of a case that was merged into another hear of that one, each reached by their own case. What was merged before
-- this is heard of once intake tells of it again.

ALTER TABLE case_view
  -- The case that it was merged into; null for none.
  ADD COLUMN merged_into uuid,
  -- When it was last heard to be at work: what was proposed before has been answered.
  ADD COLUMN work_time   timestamptz;
CREATE INDEX case_view_merged_idx ON case_view (site, merged_into) WHERE merged_into IS NOT NULL;

-- The reader's own case, where that is another than the one that it is about.
ALTER TABLE message ADD COLUMN known_by uuid;
CREATE INDEX message_known_by_idx ON message (site, known_by) WHERE known_by IS NOT NULL;
ALTER TABLE survey ADD COLUMN known_by uuid;
CREATE INDEX survey_known_by_idx ON survey (site, known_by) WHERE known_by IS NOT NULL;

-- Whoever is reached by an erased case is told nothing of another one either. Waits for who erases it.
CREATE OR REPLACE FUNCTION cancel_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT c.erased FROM case_view c
               WHERE c.site = NEW.site AND c.case_id IN (NEW.case_id, NEW.known_by) ORDER BY c.case_id FOR KEY SHARE LOOP
    IF found.erased THEN
      NEW.state := 'CANCELLED';
      NEW.due_time := NULL;
      NEW.lease_token := NULL;
      NEW.reason := 'CASE_ERASED';
      NEW.erased := true;
    END IF;
  END LOOP;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION ask_none_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT c.erased FROM case_view c
               WHERE c.site = NEW.site AND c.case_id IN (NEW.case_id, NEW.known_by) ORDER BY c.case_id FOR KEY SHARE LOOP
    IF found.erased THEN
      NEW.comment := NULL;
      NEW.contact := NULL;
      NEW.thanks_contact := NULL;
      NEW.next_call_time := NULL;
      NEW.call_task_time := NULL;
      IF NEW.state = 'OPEN' THEN
        NEW.state := 'CANCELLED';
      END IF;
    END IF;
  END LOOP;
  RETURN NEW;
END
$$;
