#!/usr/bin/env bash
# Says whether the protos of the work tree break callers of those last committed on main.
set -euo pipefail
cd "$(dirname "$0")/.."

for base in refs/remotes/origin/main refs/heads/main; do
    if git cat-file -e "$base:protos" 2>/dev/null; then
        git archive "$base" buf.yaml protos | .venv/bin/buf breaking --against '-#format=tar'
        echo "breaking: nothing breaks against ${base#refs/}"
        exit
    fi
done
echo "breaking: no branch main with protos to compare with"
