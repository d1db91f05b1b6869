-- Intake erases a case: what was written down about its people in the work goes, and nothing of the kind is kept any more.
-- Who did what when stays. In the place of words stands that there were some.

ALTER TABLE work ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- Puts the mark in the place of words, also of each element of a list; the columns are the trigger's arguments.
CREATE FUNCTION without_words(of_row jsonb, VARIADIC columns text[]) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (
    SELECT coalesce(jsonb_object_agg(c, CASE jsonb_typeof(of_row -> c)
        WHEN 'array' THEN coalesce((SELECT jsonb_agg('erased with the case'::text) FROM jsonb_array_elements(of_row -> c)), '[]')
        ELSE to_jsonb('erased with the case'::text)
      END), '{}')
    FROM unnest(columns) AS c
    WHERE coalesce(of_row ->> c, '') <> '');

-- What belongs to an erased case is kept without its words, whoever writes it, however late. Waits for who erases it.
CREATE FUNCTION keep_no_words_of_erased() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone boolean;
BEGIN
  SELECT w.erased INTO gone FROM work w WHERE w.site = NEW.site AND w.case_id = NEW.case_id FOR SHARE;
  IF gone THEN
    NEW := jsonb_populate_record(NEW, without_words(to_jsonb(NEW), VARIADIC TG_ARGV));
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON visit
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('findings');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON follow_up
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('note');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON support
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('task');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON validity_decision
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('reason');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON appeal
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('reason', 'decision');
CREATE TRIGGER keep_no_words_of_erased BEFORE INSERT OR UPDATE ON demand_judgement
  FOR EACH ROW EXECUTE FUNCTION keep_no_words_of_erased('demands', 'reasons');

CREATE FUNCTION keep_no_words_of_erased_work() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RETURN jsonb_populate_record(NEW, without_words(to_jsonb(NEW), 'restatement', 'resolution_summary'));
END
$$;
CREATE TRIGGER keep_no_words_of_erased BEFORE UPDATE ON work
  FOR EACH ROW WHEN (NEW.erased) EXECUTE FUNCTION keep_no_words_of_erased_work();

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (text, hash) ON work_step TO %I', app);
  EXECUTE format('GRANT UPDATE (note) ON follow_up TO %I', app);
  EXECUTE format('GRANT UPDATE (reason) ON validity_decision, appeal TO %I', app);
  EXECUTE format('GRANT UPDATE (reasons) ON demand_judgement TO %I', app);
END
$$;
