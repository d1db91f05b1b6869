-- "Somebody else" is another person, not another token (M03), in the ledger (M17, M13) and with corrective actions (M16), too: what is
-- done is kept with the member of staff behind the subject, sites/{site}/staff/{staff}. NULL: no staff, or recorded before this was
-- kept; then the subject alone tells.
ALTER TABLE ledger_act ADD COLUMN actor_staff text;
ALTER TABLE corrective_action_act ADD COLUMN actor_staff text;
