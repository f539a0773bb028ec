#!/usr/bin/env bash
# Has schemathesis ask the board over HTTP whatever its /openapi.json allows, and what it does not, and see
# whether the answers are what that says.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
pins=$PWD/tests/schemathesis.txt

# What it runs in is made once for each list of versions.
venv=$target/schemathesis-$(sha256sum "$pins" | cut -c1-16)
if [ ! -x "$venv/done" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins"
    ln -s bin/schemathesis "$venv/done"
fi

# With all features, as the tests have built it.
cargo build --quiet --workspace --example bboard --locked
board=$target/debug/examples/bboard

home=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
at=http://127.0.0.1:$port
board() {
    env -u XDG_CONFIG_HOME HOME="$home" XDG_RUNTIME_DIR="$home/run" XDG_STATE_HOME="$home/state" \
        REMOTEX_BBOARD="$at" "$board" "$@"
}
trap 'board --stop || true; rm -rf "$home"' EXIT
mkdir -m 700 "$home/run"

board 'the first item'
token=$(cat "$home/.config/remotex/bboard/token")
# What it writes down while it runs goes with the home. Its examples follow from the description alone, so
# that they are the same each time.
cd "$home"
"$venv/bin/schemathesis" run "$at/openapi.json" --url "$at" --header "Authorization: Bearer $token" \
    --checks all --max-examples 200 --generation-deterministic --no-color
