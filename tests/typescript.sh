#!/usr/bin/env bash
# Makes types of TypeScript from a server's /openapi.json by openapi-typescript, and calls it with them
# by openapi-fetch: what is right works, and the compiler refuses what the server refuses.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in node npm; do
    command -v $tool >/dev/null || { echo "LEFT OUT: the test of TypeScript, for want of $tool"; exit 0; }
done
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
here=$PWD/tests/typescript

# What it runs in is made once for each list of versions.
tools=$target/typescript-$(sha256sum "$here/package-lock.json" | cut -c1-16)
if [ ! -e "$tools/done" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    cp "$here"/package*.json "$tools"
    timeout 300 npm ci --prefix "$tools" --silent --no-audit --no-fund --no-update-notifier ||
        { echo "LEFT OUT: the test of TypeScript, whose packages could not be fetched"; exit 0; }
    touch "$tools/done"
fi

# With all features, as the tests have built it.
cargo build --quiet --workspace --example zoo --locked
zoo=$target/debug/examples/zoo

home=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
at=http://127.0.0.1:$port
zoo() {
    env -u XDG_CONFIG_HOME HOME="$home" XDG_RUNTIME_DIR="$home/run" XDG_STATE_HOME="$home/state" \
        REMOTEX_OFFERING="$at" "$zoo" "$@" >/dev/null
}
trap 'zoo stop offering || true; rm -rf "$home"' EXIT
mkdir -m 700 "$home/run"
zoo start offering
token=$(cat "$home/.config/remotex/offering/token")

cp "$here/calls.ts" "$tools/calls.ts"
cd "$tools"
node -e '
    fetch(process.argv[1] + "/openapi.json", { headers: { Authorization: `Bearer ${process.argv[2]}` } })
        .then(response => response.text())
        .then(text => require("fs").writeFileSync("offering.json", text))
' "$at" "$token"
node_modules/.bin/openapi-typescript offering.json --output offering.d.ts >/dev/null
node_modules/.bin/tsc --strict --noUncheckedIndexedAccess --target es2022 --module nodenext calls.ts
AT="$at" TOKEN="$token" timeout 120 node calls.js
echo 'TypeScript calls the server with the types of its /openapi.json'
