#!/bin/sh
# Installs what firn is built and tested with. On Debian 12, as root or with sudo. `--build` leaves the test tools out.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=""
[ "$(id -u)" = 0 ] || root="sudo"
build="gcc cmake ninja-build pkg-config ccache curl ca-certificates tzdata liburing-dev libzstd-dev liblz4-dev libxxhash-dev libsqlite3-dev
libcurl4-openssl-dev libssl-dev libpcre2-dev libsnappy-dev libbrotli-dev zlib1g-dev libjansson-dev libyaml-dev"
tools="python3 python3-venv nodejs npm"
[ "${1:-}" = --build ] && tools=""
missing=""
for package in $build $tools; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
# nodejs may come from elsewhere than Debian
command -v node >/dev/null && command -v npm >/dev/null && missing=$(printf '%s' "$missing" | sed 's/ nodejs//; s/ npm//')
if [ -n "$missing" ]; then
    $root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $missing
fi
