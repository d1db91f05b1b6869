-- What is promised and not done yet: running clocks with their deadlines, beside what the service keeps itself. Clocks of
-- before are listed from their next change on.
ALTER TABLE clock_fact
  ADD COLUMN state      text NOT NULL DEFAULT '',
  ADD COLUMN start_time timestamptz,
  ADD COLUMN due_time   timestamptz,
  ADD COLUMN held       boolean NOT NULL DEFAULT false;
CREATE INDEX clock_fact_open ON clock_fact (site, due_time) WHERE state IN ('RUNNING', 'BREACHED');
CREATE INDEX support_open ON support (site, due_time) WHERE state = 'REQUESTED';
CREATE INDEX visit_planned ON visit (site, plan_time) WHERE make_time IS NULL;
