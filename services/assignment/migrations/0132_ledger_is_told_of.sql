-- An appeal against an entry of the ledger that nobody decides in three days, and a debt that is not settled by its time, are told to
-- the leads once (M17): an entry may be of no case, so assignment looks for what is late itself. It is forgotten with every move of the
-- entry, which may be late again then; what is late already is told of as it stands.
ALTER TABLE ledger_entry
  -- When the leads were told that it is late, as it stands; NULL: they were not.
  ADD COLUMN late_told_time timestamptz;
CREATE INDEX ledger_entry_owed ON ledger_entry (due_time)
  WHERE late_told_time IS NULL AND state IN ('OPEN', 'CONFIRMED', 'APPEALED');

DO $$
DECLARE
  worker text := 'redress_' || current_schema() || '_worker';
BEGIN
  EXECUTE format(
    'GRANT SELECT (site, id, kind, state, amount_fen, due_time, update_time, late_told_time) ON ledger_entry TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON ledger_entry FOR SELECT TO %I USING (true)', worker);
END
$$;
