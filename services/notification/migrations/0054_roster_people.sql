-- Whose hours at a desk a site's roster publishes, with a stretch of duty in the days that are told or without one:
-- somebody whose next turn is weeks away is off duty (P07). Empty until the next telling.

ALTER TABLE duty_roster ADD COLUMN at_desk text[] NOT NULL DEFAULT '{}';
