#!/bin/bash
# Writes the Secrets of a platform as manifests to $WORK/secrets.yaml: what lies in $EXISTING is kept, what is
# missing is made. Another container of the same pod applies the file.
set -euo pipefail
umask 077
work=${WORK:-/work} existing=${EXISTING:-/existing}
out=$work/secrets.yaml
: > "$out"

kept() { [ -s "$existing/$1/$2" ]; }            # secret, key
password() { openssl rand -hex 24; }
base64_line() { base64 | tr -d '\n'; }

secret() { # name, type; then key=file pairs
  local name=$1 type=$2
  shift 2
  {
    printf -- '---\napiVersion: v1\nkind: Secret\ntype: %s\nmetadata:\n  name: %s\n' "$type" "$name"
    printf '  labels:\n    app.kubernetes.io/part-of: redress\ndata:\n'
    local pair
    for pair in "$@"; do
      printf '  %s: %s\n' "${pair%%=*}" "$(base64_line < "${pair#*=}")"
    done
  } >> "$out"
}

either() { # secret, key, then the command that makes a new value; prints the file that holds it
  local name=$1 key=$2 file="$work/$1.$2"
  shift 2
  if kept "$name" "$key"; then cat "$existing/$name/$key" > "$file"; else "$@" > "$file"; fi
  echo "$file"
}

one_line() { "$@" | tr -d '\n'; }
issuer_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }
vault_key() {
  echo "# Keys that seal personal data. The last kek line seals, all open. To rotate, add one above the last and restart all"
  echo "# services; then move it to the end and restart them again."
  echo "# Never change the token line: people are recognised by it."
  echo "token $(openssl rand -base64 32)"
  echo "kek first $(openssl rand -base64 32)"
}

for service in intake triage assignment notification crisis; do
  for role in owner app worker; do
    name="redress-$service-$role"
    printf '%s' "redress_${service}_${role}" > "$work/$name.username"
    secret "$name" kubernetes.io/basic-auth "username=$work/$name.username" \
      "password=$(either "$name" password one_line password)"
  done
done
printf postgres > "$work/superuser"
secret redress-postgres-superuser kubernetes.io/basic-auth "username=$work/superuser" \
  "password=$(either redress-postgres-superuser password one_line password)"
secret redress-redis Opaque "password=$(either redress-redis password one_line password)"
# There once the issuer's key has been rotated.
jwks=()
if kept redress-platform jwks.json; then jwks=("jwks.json=$existing/redress-platform/jwks.json"); fi
secret redress-platform Opaque "key.pem=$(either redress-platform key.pem issuer_key)" "${jwks[@]}"
secret redress-vault Opaque "vault.key=$(either redress-vault vault.key vault_key)"
