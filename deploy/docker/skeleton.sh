#!/bin/sh
# Makes a copy of the workspace that has its manifests and, of the code, only empty targets: enough to build
# every dependency, and the same for as long as no manifest changes.
#   skeleton.sh FROM TO
set -eu
from=$1 to=$2

cd "$from"
find . -name Cargo.toml -o -name Cargo.lock | while read -r file; do
  mkdir -p "$to/$(dirname "$file")"
  cp "$file" "$to/$file"
done

# Every target that Cargo finds by itself or that a manifest names by its path.
cd "$to"
find . -mindepth 2 -name Cargo.toml | while read -r manifest; do
  folder=$(dirname "$manifest")
  for path in src/lib.rs src/main.rs build.rs; do
    if [ -f "$from/$folder/$path" ]; then
      mkdir -p "$folder/$(dirname "$path")"
      echo "fn main() {}" > "$folder/$path"
    fi
  done
  # A package without any target does not load.
  if [ ! -f "$folder/src/lib.rs" ] && [ ! -f "$folder/src/main.rs" ]; then
    mkdir -p "$folder/src"
    : > "$folder/src/lib.rs"
  fi
  # [[bench]], [[example]] and [[test]] must exist, though nobody builds them here.
  awk '
    function told() { if (kind != "") print kind, name, path; kind = name = path = "" }
    /^\[\[(bench|example|test)\]\]/ { told(); kind = $0; gsub(/[][]/, "", kind); next }
    /^\[/ { told() }
    kind != "" && /^name *=/ { name = $0; gsub(/^[^"]*"|".*$/, "", name) }
    kind != "" && /^path *=/ { path = $0; gsub(/^[^"]*"|".*$/, "", path) }
    END { told() }
  ' "$manifest" | while read -r kind name path; do
    case $kind in bench) where=benches ;; example) where=examples ;; *) where=tests ;; esac
    # As Cargo looks for them: two files that could both be meant are an error.
    if [ -z "$path" ] && [ -f "$from/$folder/$where/$name/main.rs" ]; then path=$where/$name/main.rs; fi
    file=$folder/${path:-$where/$name.rs}
    mkdir -p "$(dirname "$file")"
    echo "fn main() {}" > "$file"
  done
done
