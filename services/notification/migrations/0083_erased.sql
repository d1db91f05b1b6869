-- Intake erases a case: what was told its people loses its words and addresses, and nothing of them is kept any more.
-- Whatever is under way then, comes later or comes again, also from an older release: the tables themselves see to it.

ALTER TABLE case_view ADD COLUMN erased boolean NOT NULL DEFAULT false;
-- Its case was erased: nothing of what it said or where it went is here.
ALTER TABLE message ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- What is caused to be told the people of an erased case is cancelled, visibly. Waits for who erases it.
CREATE FUNCTION cancel_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT c.erased INTO gone FROM case_view c WHERE c.site = NEW.site AND c.case_id = NEW.case_id FOR KEY SHARE;
  IF gone THEN
    NEW.state := 'CANCELLED';
    NEW.due_time := NULL;
    NEW.lease_token := NULL;
    NEW.reason := 'CASE_ERASED';
    NEW.erased := true;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER cancel_of_erased BEFORE INSERT ON message
  FOR EACH ROW WHEN (NEW.recipient_kind = 'COMPLAINANT' AND NEW.case_id IS NOT NULL) EXECUTE FUNCTION cancel_of_erased();

-- A message that was erased gets no words any more. Waits for who erases it.
CREATE FUNCTION keep_none_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT m.erased INTO gone FROM message m WHERE m.site = NEW.site AND m.message_id = NEW.message_id FOR KEY SHARE;
  RETURN CASE WHEN gone THEN NULL ELSE NEW END;
END
$$;
CREATE TRIGGER keep_none_of_erased BEFORE INSERT ON kept_text FOR EACH ROW EXECUTE FUNCTION keep_none_of_erased();
CREATE TRIGGER keep_none_of_erased BEFORE INSERT ON said_text FOR EACH ROW EXECUTE FUNCTION keep_none_of_erased();
CREATE TRIGGER keep_none_of_erased BEFORE INSERT ON app_notice FOR EACH ROW EXECUTE FUNCTION keep_none_of_erased();
CREATE TRIGGER keep_none_of_erased BEFORE INSERT ON task FOR EACH ROW EXECUTE FUNCTION keep_none_of_erased();

-- A survey of an erased case asks nobody and keeps neither a comment nor an address.
CREATE FUNCTION ask_none_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT c.erased INTO gone FROM case_view c WHERE c.site = NEW.site AND c.case_id = NEW.case_id FOR KEY SHARE;
  IF gone THEN
    NEW.comment := NULL;
    NEW.contact := NULL;
    NEW.thanks_contact := NULL;
    NEW.next_call_time := NULL;
    NEW.call_task_time := NULL;
    IF NEW.state = 'OPEN' THEN
      NEW.state := 'CANCELLED';
    END IF;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER ask_none_of_erased BEFORE INSERT OR UPDATE ON survey
  FOR EACH ROW WHEN (NEW.case_id IS NOT NULL) EXECUTE FUNCTION ask_none_of_erased();

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT DELETE ON kept_text, said_text, app_notice TO %I', app);
  EXECUTE format('GRANT UPDATE (reason) ON wording_override TO %I', app);
END
$$;
