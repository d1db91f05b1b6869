-- Who is on a site's roster, with a duty in the days that are told or without one: somebody whose next turn is
-- weeks away is off duty, and only who is named nowhere is on no roster (P07). Empty until the next telling.

ALTER TABLE duty_roster ADD COLUMN people text[] NOT NULL DEFAULT '{}';
