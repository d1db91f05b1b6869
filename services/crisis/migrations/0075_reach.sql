-- Whom each telling reached, as far as is known: everybody of some cases (their ids, and how many complained in each), one person of a case (its id and 1), so many
-- who came (the number). Neither: everybody to whom it was said, as what the release before writes, and wrote, always counted.
ALTER TABLE incident_told
  ADD COLUMN reached_cases uuid[] NOT NULL DEFAULT '{}',
  ADD COLUMN reached_sizes integer[] NOT NULL DEFAULT '{}',
  ADD COLUMN reached_people integer;
