#!/bin/bash
# firn in ClickBench's convention: copy this folder into a ClickBench checkout as firn/ and run ./benchmark.sh there.
# The queries are ClickBench's own file for ClickHouse. SPDX-License-Identifier: Apache-2.0
export BENCH_DOWNLOAD_SCRIPT="download-hits-parquet-single"
export BENCH_QUERIES_FILE="${BENCH_QUERIES_FILE:-../clickhouse/queries.sql}"
exec ../lib/benchmark-common.sh
