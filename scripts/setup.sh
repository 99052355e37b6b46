#!/usr/bin/env bash
# Brings .venv to the lock file. Usage: scripts/setup.sh [--extra NAME]
#
# uv comes from PATH, else from .uv/ in this folder, where it is put without root rights and without touching the system's
# Python, which Debian 12 forbids (PEP 668). What another extra installed is kept (--inexact).
set -euo pipefail
cd "$(dirname "$0")/.."

find_uv() {
    local candidate
    for candidate in uv .uv/bin/uv; do
        if "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

install_uv() {
    echo "setup: uv is not here, installing it into .uv/"
    rm -rf .uv
    if python3 -m venv .uv >/dev/null 2>&1; then
        .uv/bin/python -m pip install --quiet --disable-pip-version-check uv
        return
    fi
    rm -rf .uv  # without ensurepip a failed venv stays behind, half made
    if python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .uv uv
        return
    fi
    cat >&2 <<'HELP'
setup: neither `python3 -m venv` nor `python3 -m pip` works here. Do one of these, then run make again:
  - install uv for your user, see https://docs.astral.sh/uv/getting-started/installation/
  - as root on Debian or Ubuntu: apt install python3-venv
HELP
    return 1
}

uv="$(find_uv)" || { install_uv && uv="$(find_uv)"; } || { echo "setup: uv could not be installed" >&2; exit 1; }
"$uv" sync --frozen --inexact "$@"
