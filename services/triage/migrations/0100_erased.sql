-- Intake erases a case: what somebody wrote down about it here in their own words goes, and nothing of the kind is kept any
-- more, however late it is written. Grades, promises and who did what when stay; words of the complaint never were here.

ALTER TABLE case_file ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- Waits for who erases the case.
CREATE FUNCTION keep_no_words_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT c.erased INTO gone FROM case_file c WHERE c.site = NEW.site AND c.id = NEW.case_id FOR SHARE;
  IF gone AND coalesce(to_jsonb(NEW) ->> TG_ARGV[0], '') <> '' THEN
    NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], 'erased with the case'));
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON case_hold
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('note');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON signal
  FOR EACH ROW WHEN (NEW.dismiss_reason IS NOT NULL) EXECUTE FUNCTION keep_no_words_of_erased('dismiss_reason');
