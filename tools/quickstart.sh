#!/bin/sh
# From a fresh clone to a first answer: installs what is needed (Debian 12, root or sudo), builds, starts a server on a demo
# directory and loads an Iceberg table the safe way: staging, load, empty check, row-count check, EXCHANGE TABLES.
#
#   tools/quickstart.sh [--port N] [--source 'icebergS3(...)']
#
# The server goes on running; its log and process id are in build/demo/. SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
port=8123
# The table as it was after eight days of appends, corrections, deletes and a new column; written by Spark.
source="icebergLocal('pub/daily_facts')"
snapshot=8278552773259952020
while [ $# -gt 0 ]; do
    case $1 in
    --port) port=$2; shift 2 ;;
    --source) source=$2; snapshot=0; shift 2 ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
sh tests/install.sh --build
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build --preset release --target firn -j "$(nproc)"
firn=build/release/firn
mkdir -p build/demo
if [ -f build/demo/pid ] && kill -0 "$(cat build/demo/pid)" 2>/dev/null; then
    kill "$(cat build/demo/pid)"
    while kill -0 "$(cat build/demo/pid)" 2>/dev/null; do sleep 0.1; done
fi
printf 'user_files_path: %s/tests/iceberg/lake\n' "$PWD" >build/demo/config.yaml
$firn server --path build/demo/data --http-port "$port" --config build/demo/config.yaml >build/demo/server.log 2>&1 &
echo $! >build/demo/pid
url=http://127.0.0.1:$port
tries=0
until curl -sf "$url/ping" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ]; then
        echo "The server did not start:"
        cat build/demo/server.log
        exit 1
    fi
    sleep 0.1
done
ask() { $firn client --url "$url" -q "$1"; }
at="SETTINGS iceberg_snapshot_id = $snapshot"

echo
echo "1. The live table, and a staging table of the same shape"
columns="event_date Date, user_id UInt64, country LowCardinality(String), channel LowCardinality(Nullable(String)), amount Decimal(12, 2), updated_at DateTime64(6, 'UTC')"
ask "CREATE TABLE IF NOT EXISTS facts ($columns) ENGINE = MergeTree PARTITION BY toYYYYMM(event_date) ORDER BY (event_date, user_id)"
ask "DROP TABLE IF EXISTS facts_staging"
ask "CREATE TABLE facts_staging AS facts"
echo "2. Load the Iceberg snapshot"
ask "INSERT INTO facts_staging SELECT * FROM $source $at"
echo "3. Checks: not empty, and as many rows as the source says it has"
loaded=$(ask "SELECT count() FROM facts_staging")
expected=$(ask "SELECT count() FROM $source $at")
if [ "$loaded" = 0 ] || [ "$loaded" != "$expected" ]; then
    echo "staging has $loaded rows, the source $expected: the live table is left as it was"
    exit 1
fi
echo "   $loaded rows"
echo "4. Swap, atomically for every reader"
ask "EXCHANGE TABLES facts AND facts_staging"
ask "DROP TABLE facts_staging"
echo
echo "   SELECT country, count(), sum(amount) FROM facts GROUP BY country ORDER BY country"
ask "SELECT country, count(), sum(amount) FROM facts GROUP BY country ORDER BY country FORMAT PrettyCompact"
echo
echo "firn runs as process $(cat build/demo/pid) on $url - query it in the browser at $url/play"
