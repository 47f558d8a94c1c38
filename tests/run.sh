#!/bin/sh
# Installs the test tools, builds and runs all tests; ends with 'N passed, N failed, N skipped'. SPDX-License-Identifier: Apache-2.0
set -e
cd "$(dirname "$0")/.."
sh tests/install.sh
exec python3 tests/run.py --install "$@"
