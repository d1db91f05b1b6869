-- Who works at a site, and who has which duty when. People's names lie plain, as in any duty list on a wall; how
-- they are reached is sealed.

-- What this service keeps of a site; the directory itself is intake's.
CREATE TABLE site (
  site     text PRIMARY KEY,
  language text NOT NULL,
  revision bigint NOT NULL
);

-- Keys that seal contact points, one in force for each site, wrapped under the installation's key.
CREATE TABLE data_key (
  site        text NOT NULL,
  id          uuid NOT NULL,
  kek_id      text NOT NULL,
  wrapped     bytea NOT NULL,
  -- Older keys open; this one seals.
  active      boolean NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT data_key_key PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX data_key_active ON data_key (site) WHERE active;

CREATE TABLE department (
  site         text NOT NULL,
  id           text NOT NULL,
  display_name text NOT NULL,
  create_time  timestamptz NOT NULL,
  revision     bigint NOT NULL,
  CONSTRAINT department_key PRIMARY KEY (site, id),
  CONSTRAINT department_site FOREIGN KEY (site) REFERENCES site (site)
);
CREATE INDEX department_newest ON department (create_time DESC, site, id);

-- Which department takes a category, where the site departs from the default. A category belongs to one.
CREATE TABLE department_category (
  site       text NOT NULL,
  category   text NOT NULL,
  department text NOT NULL,
  CONSTRAINT department_category_key PRIMARY KEY (site, category),
  CONSTRAINT department_category_department FOREIGN KEY (site, department) REFERENCES department (site, id)
);

CREATE TABLE staff (
  site           text NOT NULL,
  id             text NOT NULL,
  display_name   text NOT NULL,
  -- NULL for leads who belong to none.
  department     text,
  skills         text[] NOT NULL,
  languages      text[] NOT NULL,
  -- Subject of the person's tokens; NULL where none.
  account        text,
  -- NULL: no limit.
  max_open_cases integer,
  retired        boolean NOT NULL,
  create_time    timestamptz NOT NULL,
  update_time    timestamptz NOT NULL,
  revision       bigint NOT NULL,
  CONSTRAINT staff_key PRIMARY KEY (site, id),
  CONSTRAINT staff_account UNIQUE (site, account),
  CONSTRAINT staff_site FOREIGN KEY (site) REFERENCES site (site),
  CONSTRAINT staff_department FOREIGN KEY (site, department) REFERENCES department (site, id)
);
CREATE INDEX staff_newest ON staff (create_time DESC, site, id);

-- What a person has on their hands. Apart from the person, so that routing changes no etag.
CREATE TABLE staff_load (
  site         text NOT NULL,
  staff        text NOT NULL,
  open_cases   integer NOT NULL CONSTRAINT staff_load_not_negative CHECK (open_cases >= 0),
  offered_time timestamptz,
  CONSTRAINT staff_load_key PRIMARY KEY (site, staff),
  CONSTRAINT staff_load_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);

-- How a person is reached, in the order to try.
CREATE TABLE staff_contact (
  site     text NOT NULL,
  staff    text NOT NULL,
  position integer NOT NULL,
  -- The row in the associated data of what is sealed.
  id       uuid NOT NULL,
  kind     text NOT NULL,
  sealed   bytea NOT NULL,
  CONSTRAINT staff_contact_key PRIMARY KEY (site, staff, position),
  CONSTRAINT staff_contact_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);

-- Who opened contact points, and what for. Rows are only added.
CREATE TABLE contact_access (
  site        text NOT NULL,
  id          uuid NOT NULL,
  staff       text NOT NULL,
  service     text NOT NULL,
  purpose     text NOT NULL,
  access_time timestamptz NOT NULL,
  CONSTRAINT contact_access_key PRIMARY KEY (site, id)
);

-- The roster as set last: replaced whole.
CREATE TABLE duty (
  site       text NOT NULL,
  -- Order of listing: those that start last first.
  position   integer NOT NULL,
  role       text NOT NULL,
  staff      text NOT NULL,
  rank       integer NOT NULL,
  start_time timestamptz,
  end_time   timestamptz,
  CONSTRAINT duty_key PRIMARY KEY (site, position),
  CONSTRAINT duty_staff FOREIGN KEY (site, staff) REFERENCES staff (site, id)
);

-- When a site's roster is told to other services: after each change, and daily so that its horizon moves.
CREATE TABLE roster (
  site     text NOT NULL CONSTRAINT roster_key PRIMARY KEY,
  -- Rises when the roster is set.
  revision bigint NOT NULL,
  -- Rises when it is told; the revision that others see.
  telling  bigint NOT NULL,
  tell_due timestamptz NOT NULL,
  CONSTRAINT roster_site FOREIGN KEY (site) REFERENCES site (site)
);
CREATE INDEX roster_tell_due ON roster (tell_due);

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
  worker text := 'redress_' || current_schema() || '_worker';
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['site', 'data_key', 'department', 'department_category', 'staff', 'staff_load',
                              'staff_contact', 'contact_access', 'duty', 'roster'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY app ON %I TO %I USING (redress_in_scope(site))', name, app);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['site', 'data_key', 'staff', 'staff_load', 'roster'] LOOP
    EXECUTE format('GRANT UPDATE ON %I TO %I', name, app);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['staff_contact', 'duty'] LOOP
    EXECUTE format('GRANT DELETE ON %I TO %I', name, app);
  END LOOP;
  -- Finds rosters that are due, and nothing else of them.
  EXECUTE format('GRANT SELECT (site, tell_due) ON roster TO %I', worker);
  EXECUTE format('CREATE POLICY worker ON roster FOR SELECT TO %I USING (true)', worker);
END
$$;
