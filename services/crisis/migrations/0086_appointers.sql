-- Four eyes are a person's, whichever account appointed the deputy (I7): the person on the roster, and of which other site than the
-- row's. NULL where the token named none, and in rows of an older release, of which the subject alone is compared. Where such a release
-- appoints the same deputy anew, the person of the time before stays until the new one does: one more whose word does not count.
ALTER TABLE incident_deputy
  ADD COLUMN appointer text,
  ADD COLUMN appointer_site text;
