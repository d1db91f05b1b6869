-- Every batch changes a large share of a site's counts: with room on its page a count changes without touching the index.
ALTER TABLE tally SET (fillfactor = 70);
