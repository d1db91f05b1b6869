-- Roles, schemas and extensions that Redress needs inside its database: five services, each with a
-- schema and three roles. Idempotent; run it as a superuser in the database that holds Redress:
--
--   CREATE DATABASE redress TEMPLATE template0 ENCODING 'UTF8'
--     LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8';
--   psql -v ON_ERROR_STOP=1 -d redress -f deploy/postgres/bootstrap.sql
--
-- then give each role a password (\password redress_intake_owner, …). `redress up` and the tests run
-- this same file.
--
--   redress_<service>_owner   owns the schema; migrations only, never serves a request
--   redress_<service>_app     requests and handlers; every row under row security
--   redress_<service>_worker  finds what is due in all sites, by column grants; changes nothing of a site
--
-- It takes no lock itself: run one at a time for one cluster (roles belong to the cluster).

-- Letters other than ASCII count as letters only under a UTF-8 locale; text search depends on it.
DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'database % has encoding %, Redress needs UTF8', current_database(), current_setting('server_encoding');
  END IF;
END
$$;

-- Nobody but the roles below gets in, and nobody makes anything in the public schema.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Operators and index methods of extensions, found through every role's search_path.
CREATE SCHEMA IF NOT EXISTS extensions;
GRANT USAGE ON SCHEMA extensions TO PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA extensions;

DO $$
DECLARE
  service text;
  kind text;
  role_name text;
BEGIN
  FOREACH service IN ARRAY ARRAY['intake', 'triage', 'assignment', 'notification', 'crisis'] LOOP
    FOREACH kind IN ARRAY ARRAY['owner', 'app', 'worker'] LOOP
      role_name := format('redress_%s_%s', service, kind);
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
        EXECUTE format('CREATE ROLE %I', role_name);
      END IF;
      EXECUTE format(
        'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role_name);
      EXECUTE format('ALTER ROLE %I SET search_path = %I, extensions', role_name, service);
      EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
    END LOOP;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I',
      service, format('redress_%s_owner', service));
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I, %I',
      service, format('redress_%s_app', service), format('redress_%s_worker', service));
    -- A statement of a request that runs this long has lost its caller; a worker's scan may take longer.
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''30s''', format('redress_%s_app', service));
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', format('redress_%s_worker', service));
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', format('redress_%s_app', service));
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', format('redress_%s_worker', service));
  END LOOP;
END
$$;
