#!/usr/bin/env bash
# Says whether the protos of the work tree break callers of main's.
#
# The contracts are published, and thus compared, from the first main on that has protos/README.md, which promises so.
set -euo pipefail
cd "$(dirname "$0")/.."
buf="${VENV:-.venv}/bin/buf"

for main in refs/remotes/origin/main refs/heads/main; do
    base="$(git merge-base HEAD "$main" 2>/dev/null)" || continue
    if ! git cat-file -e "$base:protos/README.md" 2>/dev/null; then
        echo "breaking: the contracts of ${main#refs/} are not published yet"
        exit
    fi
    git archive "$base" buf.yaml protos | "$buf" breaking --against '-#format=tar'
    echo "breaking: nothing breaks against ${main#refs/}"
    exit
done
echo "breaking: no branch main to compare with"
