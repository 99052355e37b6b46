#!/usr/bin/env bash
# Brings the environment to the lock file, with all that demo and tests need: .venv with the newest supported Python on this
# machine, or .venv-3.11 with the Python that PYTHON=3.11 chooses.
#
# uv comes from PATH, else from .uv/ in this folder, where it is put without root rights and without touching the system's
# Python, which Debian 12 forbids (PEP 668).
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

# Prints the interpreter to use, or its version if uv has to find it elsewhere.
find_python() {
    # pyenv's shims refuse every version that isn't the chosen one, so its interpreters themselves come first.
    local version path="$(printf '%s:' "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin)$PATH"
    for version in ${PYTHON:-3.13 3.12 3.11}; do
        PATH="$path" "$uv" python find --system --no-project --no-python-downloads "$version" 2>/dev/null && return
    done
    echo "${PYTHON:-3.13}"
}

uv="$(find_uv)" || { install_uv && uv="$(find_uv)"; } || { echo "setup: uv could not be installed" >&2; exit 1; }
environment=".venv${PYTHON:+-$PYTHON}"
sync=("$uv" sync --frozen --all-extras --python "$(find_python)")
export UV_PROJECT_ENVIRONMENT="$environment"
if [ -t 2 ]; then # uv draws its own progress on a terminal
    exec "${sync[@]}"
fi

echo "setup: installing packages into $environment"
began=$SECONDS
"${sync[@]}" --quiet &
while kill -0 $! 2>/dev/null; do
    sleep 1
    if ((SECONDS - began >= 10)) && (((SECONDS - began) % 10 == 0)); then
        installed=("$environment"/lib/python*/site-packages/*.dist-info)
        echo "setup: ${#installed[@]} packages after $((SECONDS - began)) s"
    fi
done
wait $!
echo "setup: done in $((SECONDS - began)) s"
