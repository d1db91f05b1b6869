#!/bin/bash
# Makes the database, its roles and schemas, and gives every role the password of its Secret. Repeating it is
# harmless.
set -euo pipefail
until pg_isready --quiet; do sleep 1; done

if [ "$(psql -XAtqc "SELECT count(*) FROM pg_database WHERE datname = 'redress'")" = 0 ]; then
  psql -XqAt -v ON_ERROR_STOP=1 -c "CREATE DATABASE redress TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
fi
psql -XqAt -v ON_ERROR_STOP=1 -d redress -f "${BOOTSTRAP:-/bootstrap}/bootstrap.sql"
for folder in "${PASSWORDS:-/passwords}"/*; do
  export folder
  # psql reads both itself: no password stands in a list of processes.
  psql -XqAt -v ON_ERROR_STOP=1 -d redress <<'SQL'
\set role `cat "$folder/username"`
\set password `cat "$folder/password"`
ALTER ROLE :"role" PASSWORD :'password';
SQL
done
echo "roles, schemas and passwords are in place"
