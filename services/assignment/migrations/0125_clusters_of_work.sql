-- The clusters that a case belongs to or ever did: whoever it complains about finds no settlement of these (section 7).
-- What an older release heard of last is there where it called for people; else it comes with the next decision on the case.
ALTER TABLE work ADD COLUMN clusters text[] NOT NULL DEFAULT '{}';
CREATE INDEX work_accusing ON work (site) WHERE excluded <> '{}';

-- Row security holds for the owner too, who acts for no site: without this the rows would not be there.
ALTER TABLE work NO FORCE ROW LEVEL SECURITY;
ALTER TABLE summons NO FORCE ROW LEVEL SECURITY;
UPDATE work w SET clusters = s.clusters
FROM (SELECT site, case_id, array_agg(DISTINCT matter) AS clusters FROM summons
      WHERE matter LIKE 'sites/%/clusters/%' GROUP BY site, case_id) s
WHERE w.site = s.site AND w.case_id = s.case_id;
ALTER TABLE work FORCE ROW LEVEL SECURITY;
ALTER TABLE summons FORCE ROW LEVEL SECURITY;
